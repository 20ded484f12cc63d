/** The rules of a configuration at work: who asks, whether he may, how many connections he has; all of it counted. */
import type { Credentials } from '../ways/way.ts';
import type { AccessSettings } from './access.ts';
import { isSameName, Judge, type Judgement } from './judge.ts';
import { NO_RULE } from './match.ts';
import type { Resolver } from './resolver.ts';
import { type BuiltIn, RuleCounter } from './rule-counter.ts';
import { RuleSet } from './rule-set.ts';
import type { Admission, Request, RuleCount, Rules } from './rules.ts';
import { Authenticator } from './who/authenticator.ts';
import type { ConnectionCounts } from './who/connection-counts.ts';
import { type PasswordHash, parsePasswordHash } from './who/password.ts';
import { Users } from './who/users.ts';

export type AccessRulesOptions = {
  settings: AccessSettings;
  resolver: Resolver;
  connections: ConnectionCounts;
  nowNs: () => number;
  /** The seam for tests. */
  checkPassword?: (password: Uint8Array, hash: PasswordHash) => Promise<boolean>;
};

/** These cannot be connected to, whatever is let through. */
const HOPELESS: ReadonlySet<number | BuiltIn> = new Set([
  'not-a-destination',
  'no-such-host',
  'lookup-limit',
]);

export class AccessRules implements Rules {
  readonly #settings: AccessSettings;
  readonly #connections: ConnectionCounts;
  readonly #users: Users;
  readonly #judge: Judge;
  readonly #authenticator: Authenticator;
  readonly #counter: RuleCounter;

  constructor(options: AccessRulesOptions) {
    const { settings, resolver, connections, nowNs, checkPassword } = options;
    this.#settings = settings;
    this.#connections = connections;
    this.#users = new Users(settings.users);
    this.#judge = new Judge(new RuleSet(settings.rules ?? []), resolver);
    this.#counter = new RuleCounter(settings.rules ?? []);
    const check = checkPassword && { check: checkPassword };
    this.#authenticator = new Authenticator({ hashes: hashesOf(settings), nowNs, ...check });
  }

  get asksWho(): boolean {
    return this.#authenticator.isUsed;
  }

  get asksWhence(): boolean {
    return this.#users.asksWhence;
  }

  get isOpen(): boolean {
    return this.#settings.rules === null && this.#users.isEmpty;
  }

  authenticate(credentials: Credentials): string | null | Promise<string | null> {
    return this.#authenticator.authenticate(credentials);
  }

  admit(request: Request): Admission | Promise<Admission> {
    const { source, destination, sni } = request;
    const user = request.user ?? this.#users.at(source.host) ?? '';
    if (request.user !== null && !this.#users.mayComeFrom(user, source.host))
      return this.#refuse(user, 'not-authenticated');
    if (destination === null) return this.#settle(request, user, this.#judgeUpstream(user, sni));
    const judged = this.#judge.judge(user, destination, sni);
    if (judged instanceof Promise) return judged.then((judgement) => this.#settle(request, user, judgement));
    return this.#settle(request, user, judged);
  }

  /** Whether the server name in a ClientHello is the host that was asked for. Counted if not, and let through in a dry run. */
  isSameServer(host: string, sni: string | null): boolean {
    if (sni !== null && isSameName(sni, host)) return true;
    this.#counter.count('sni-differs', this.#settings.dryRun ? 'wouldRefuse' : 'refused');
    return this.#settings.dryRun;
  }

  left(user: string): void {
    this.#connections.left(user);
  }

  counts(): RuleCount[] {
    return this.#counter.counts();
  }

  /** Without rules, upstreams are for everybody, or for every user if there are any. */
  #judgeUpstream(user: string, sni: string | null): Judgement {
    if (this.#settings.rules !== null) return this.#judge.judgeUpstream(user, sni);
    const isAllowed = user !== '' || this.#users.isEmpty;
    return { isAllowed, rule: isAllowed ? 'upstreams' : 'no-rule', trial: NO_RULE, addresses: [] };
  }

  #settle(request: Request, user: string, judgement: Judgement): Admission | Promise<Admission> {
    const { isAllowed, rule, trial, addresses } = judgement;
    if (isAllowed) {
      if (!this.#mayEnter(user)) return this.#refuse(user, 'connection-limit');
      if (trial !== NO_RULE) this.#counter.count(trial, 'wouldRefuse');
      return { allowed: true, user, rule: this.#counter.count(rule, 'allowed'), addresses };
    }
    if (!this.#settings.dryRun || HOPELESS.has(rule)) return this.#refuse(user, rule);
    return this.#letThrough(request, user, rule);
  }

  /** What would be refused, in a dry run. */
  async #letThrough({ destination }: Request, user: string, rule: number | BuiltIn): Promise<Admission> {
    const addresses = destination === null ? [] : await this.#judge.everyAddress(destination);
    if (addresses === null) return this.#refuse(user, 'no-such-host');
    if (!this.#mayEnter(user)) return this.#refuse(user, 'connection-limit');
    return { allowed: true, user, rule: this.#counter.count(rule, 'wouldRefuse'), addresses };
  }

  #mayEnter(user: string): boolean {
    return this.#connections.enter(user, this.#users.get(user)?.connectionLimit ?? null);
  }

  #refuse(user: string, rule: number | BuiltIn): Admission {
    return { allowed: false, user, rule: this.#counter.count(rule, 'refused'), why: this.#why(user, rule) };
  }

  /** Somebody nobody knows may get further with a password. */
  #why(user: string, rule: number | BuiltIn): Extract<Admission, { allowed: false }>['why'] {
    if (rule === 'no-such-host') return rule;
    const mayTell = user === '' && this.asksWho && (rule === 'no-rule' || rule === 'unlisted-address');
    return rule === 'not-authenticated' || mayTell ? 'not-authenticated' : 'not-allowed';
  }
}

function hashesOf({ users }: AccessSettings): ReadonlyMap<string, PasswordHash> {
  return new Map(
    users.flatMap(({ name, passwordHash }) => {
      const hash = passwordHash === null ? null : parsePasswordHash(passwordHash);
      return hash === null ? [] : [[name, hash] as const];
    }),
  );
}
