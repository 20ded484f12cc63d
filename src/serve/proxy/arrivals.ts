/**
 * What becomes of a client until its bytes flow: it says where it wants to go, is let in or not, and its upstream is
 * connected. Everything here happens once a connection; what happens for each piece of data is flow/relay.ts.
 */
import { isIP } from 'node:net';
import { type Address, formatAddress } from '../../base/address.ts';
import { ERRNO } from '../../kernel/errno.ts';
import { localAddress, peerAddressOf } from '../../kernel/sockets.ts';
import type { EventLoop } from '../../loop/event-loop.ts';
import { ClientHeads, type HeadStep } from './flow/client-heads.ts';
import { Dialler } from './flow/dialler.ts';
import { CHECKED, type FlowTable, HEAD } from './flow/flow-table.ts';
import type { Relay } from './flow/relay.ts';
import type { ProxyParts } from './parts.ts';
import type { ProxyCounts } from './proxy-counts.ts';
import type { ProxyListener, ProxySettings } from './proxy-options.ts';
import type { Admission } from './rules/rules.ts';
import { NO_UPSTREAM } from './upstreams/upstreams.ts';
import { sni } from './ways/sni/sni.ts';
import type { Credentials, Endpoint, Refusal, Wanted } from './ways/way.ts';

/** Upstreams that are tried for one client. */
const MOST_TRIES = 3;
const NOBODY: Endpoint = { host: '', port: 0 };
const NOWHERE: Endpoint = { host: '0.0.0.0', port: 0 };

export type ArrivalsOptions = {
  settings: ProxySettings;
  parts: ProxyParts;
  loop: EventLoop;
  table: FlowTable;
  relay: Relay;
  counts: ProxyCounts;
  nowNs(): number;
};

export class Arrivals {
  readonly #options: ArrivalsOptions;
  readonly #heads: ClientHeads;
  readonly #dialler: Dialler;
  /** Of clients on their way to an upstream: how many were tried. */
  readonly #tries: Uint8Array;
  /** Answers that Node's own loop will bring. */
  pendingCount = 0;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
    const { settings, loop, table } = options;
    const limits = { headBytes: settings.headBytes, asksWho: false };
    this.#heads = new ClientHeads(limits, (client, bytes) => this.#say(client, bytes));
    this.#tries = new Uint8Array(table.limit);
    this.#dialler = new Dialler({
      loop,
      table,
      timeoutNs: settings.connectTimeoutNs,
      onReached: (client, upstream) => this.#reached(client, upstream),
      onFailed: (client, errno) => this.#unreached(client, errno),
    });
  }

  /** A listener brought a client. */
  accept(client: number, listener: ProxyListener): void {
    const { parts, loop, table } = this.#options;
    this.#tries[client] = 0;
    const source = parts.needsSource ? this.#sourceOf(client) : NOBODY;
    const talk = parts.beginTalk(listener, source);
    if (talk === null && parts.rules.isOpen && parts.headerFor === null) {
      this.#pick(client, NO_UPSTREAM);
      return;
    }
    this.#heads.open(client, talk, source);
    if (talk === null) {
      this.#admit(client);
      return;
    }
    table.state[client] = HEAD;
    loop.setReceiving(client, true);
  }

  /** Bytes of a client that is not connected through yet. */
  data(client: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.#heads.add(client, bytes, start, end)) this.#refuseHead(client, new Uint8Array(0));
    else if (this.#options.table.state[client] === HEAD) this.#go(client, this.#heads.step(client));
  }

  /** A client that is not connected through yet has ended its side. */
  ended(client: number): void {
    this.#options.table.hasEnded[client] = 1;
    if (this.#options.table.state[client] === HEAD) this.#refuseHead(client, new Uint8Array(0));
  }

  /** A connect ended. */
  connected(attempt: number, errno: number): void {
    this.#dialler.connected(attempt, errno, this.#options.nowNs());
  }

  /** The client has not said in time where it wants to go. */
  late(client: number): void {
    this.#options.counts.timedOutCount++;
    this.#drop(client);
  }

  /** The client is gone before it was connected through; its slot is free already. */
  lost(client: number): void {
    this.#dialler.forget(client);
    this.#leave(client);
  }

  /** Once a cycle. Returns in how many ns something is due. */
  turn(nowNs: number): number {
    return this.#dialler.count > 0 ? this.#dialler.turn(nowNs) : Number.POSITIVE_INFINITY;
  }

  #go(client: number, step: HeadStep): void {
    if (step.kind === 'more') return;
    if (step.kind === 'wrong') {
      this.#refuseHead(client, step.reply);
    } else if (step.kind === 'wants' && this.#heads.get(client)!.promised !== null) {
      this.#compare(client, step);
    } else if (step.kind === 'wants') {
      if (step.credentials === null) this.#admit(client);
      else
        this.#authenticate(
          client,
          step.credentials,
          () => this.#admit(client),
          () => this.#refuse(client, 'not-authenticated'),
        );
    } else {
      const { accepted, refused } = step;
      const onGood = () => {
        this.#say(client, accepted);
        this.#options.table.state[client] = HEAD;
        this.#options.loop.setReceiving(client, true);
        this.#go(client, this.#heads.step(client));
      };
      const onBad = () => {
        this.#options.counts.refusedCount++;
        this.#say(client, refused);
        this.#drop(client);
      };
      this.#authenticate(client, step.credentials, onGood, onBad);
    }
  }

  #authenticate(client: number, credentials: Credentials, onGood: () => void, onBad: () => void): void {
    const { rules } = this.#options.parts;
    this.#wait(client);
    const checked = (user: string | null) => {
      this.#heads.get(client)!.user = user;
      if (user === null) onBad();
      else onGood();
    };
    const user = rules.authenticate(credentials);
    if (user instanceof Promise) this.#later(client, user, checked);
    else checked(user);
  }

  /** Who may, and where that is. */
  #admit(client: number): void {
    const { rules } = this.#options.parts;
    const { user, source, wanted } = this.#heads.get(client)!;
    const destination = wanted?.destination ?? null;
    const sni = wanted?.sni ?? null;
    this.#wait(client);
    const admission = rules.admit({ user, source, destination, sni });
    if (admission instanceof Promise) {
      const isLate = (late: Admission) => late.allowed && rules.left(late.user);
      this.#later(client, admission, (late) => this.#decided(client, late), isLate);
    } else this.#decided(client, admission);
  }

  #decided(client: number, admission: Admission): void {
    const { table, parts, nowNs } = this.#options;
    if (!admission.allowed) {
      this.#refuse(client, admission.why);
      return;
    }
    table.user[client] = admission.user;
    table.isAdmitted[client] = 1;
    if (admission.addresses.length === 0) this.#pick(client, NO_UPSTREAM);
    else if (parts.accounts?.mayOpen(admission.user) === false) this.#refuse(client, 'not-allowed');
    else if (this.#mustNameServer(client)) this.#hearServerName(client, admission.addresses);
    else this.#dialler.dial(client, admission.addresses, nowNs());
  }

  #mustNameServer(client: number): boolean {
    const { settings, table } = this.#options;
    const destination = this.#heads.get(client)?.wanted?.destination;
    if (!settings.listeners[table.listener[client]!]?.checksServerName || !destination) return false;
    return isIP(destination.host) === 0;
  }

  /** It is told that it is connected, for only then does it say which server it wants; until then nothing is. */
  #hearServerName(client: number, addresses: readonly Address[]): void {
    const { table, loop, settings, nowNs } = this.#options;
    const head = this.#heads.get(client)!;
    const { destination, established } = head.wanted!;
    this.#say(client, established(NOWHERE));
    head.promised = { host: destination!.host, addresses };
    head.talk = sni.begin({ headBytes: settings.headBytes, asksWho: false });
    table.state[client] = HEAD;
    table.activeNs[client] = nowNs();
    loop.setReceiving(client, true);
    this.#go(client, this.#heads.step(client));
  }

  #compare(client: number, hello: Wanted): void {
    const { parts, nowNs } = this.#options;
    const { host, addresses } = this.#heads.get(client)!.promised!;
    this.#wait(client);
    if (parts.rules.isSameServer(host, hello.sni)) this.#dialler.dial(client, addresses, nowNs());
    else this.#refuse(client, 'not-allowed');
  }

  #pick(client: number, except: number): void {
    const { parts, table, nowNs } = this.#options;
    if (parts.accounts?.mayOpen(table.user[client]!) === false) {
      this.#refuse(client, 'not-allowed');
      return;
    }
    const upstream = parts.upstreams.pick(this.#keyOf(client), except);
    if (upstream === NO_UPSTREAM) {
      this.#refuse(client, 'no-upstream');
      return;
    }
    table.upstream[client] = upstream;
    this.#tries[client] = this.#tries[client]! + 1;
    this.#dialler.dial(client, [parts.upstreams.addressOf(upstream)], nowNs());
  }

  #reached(client: number, upstream: number): void {
    const { table, relay, parts, loop, counts } = this.#options;
    const nowNs = this.#options.nowNs();
    const picked = table.upstream[client]!;
    if (picked !== NO_UPSTREAM) parts.upstreams.succeeded(picked, nowNs - table.activeNs[upstream]!);
    relay.start(client, upstream, nowNs);
    counts.flowCount++;
    const head = this.#heads.get(client);
    const to = head || parts.accounts ? peerAddressOf(loop.socketOf(upstream)) : null;
    if (parts.accounts !== null) {
      const name =
        picked === NO_UPSTREAM
          ? formatAddress(to ?? { kind: 'unix', path: '' })
          : parts.upstreams.nameOf(picked);
      table.account[client] = parts.accounts.opened(table.user[client]!, name);
    }
    if (head) {
      // Whom a client named itself is no upstream of ours, and would take a header for the client's own bytes.
      if (parts.headerFor !== null && picked !== NO_UPSTREAM) {
        const reached = head.reached ?? endpointOf(localAddress(loop.socketOf(client)));
        const header = parts.headerFor(head.source, reached);
        loop.sendCopy(upstream, header, 0, header.length);
        table.headerBytes[client] = header.length;
      }
      if (head.wanted !== null)
        this.#say(client, head.wanted.established(endpointOf(localAddress(loop.socketOf(upstream)))));
      this.#heads.forget(client);
      if (head.length > 0 && !relay.early(client, head.bytes, 0, head.length)) {
        relay.cut(client);
        return;
      }
    }
    relay.receive(client);
  }

  #unreached(client: number, errno: number): void {
    const { table, parts, counts } = this.#options;
    const picked = table.upstream[client]!;
    counts.unreachedCount++;
    if (picked !== NO_UPSTREAM) {
      parts.upstreams.failed(picked, errno);
      parts.upstreams.released(picked);
      table.upstream[client] = NO_UPSTREAM;
      if (this.#tries[client]! < MOST_TRIES) {
        this.#pick(client, picked);
        return;
      }
    }
    this.#refuse(client, refusalFor(errno));
  }

  /** A client that asked properly does not get what it asked for. */
  #refuse(client: number, why: Refusal): void {
    if (why === 'not-allowed' || why === 'not-authenticated') this.#options.counts.refusedCount++;
    const wanted = this.#heads.get(client)?.wanted;
    if (wanted) {
      this.#say(client, wanted.refused(why));
      this.#drop(client);
    } else {
      this.#leave(client);
      this.#options.loop.reset(client);
    }
  }

  #refuseHead(client: number, reply: Uint8Array): void {
    this.#options.counts.wrongCount++;
    this.#say(client, reply);
    this.#drop(client);
  }

  /** What was said still goes out; then the client is closed. */
  #drop(client: number): void {
    this.#leave(client);
    this.#options.loop.end(client);
  }

  #leave(client: number): void {
    const { table, parts } = this.#options;
    this.#heads.forget(client);
    const picked = table.upstream[client]!;
    if (picked !== NO_UPSTREAM) parts.upstreams.released(picked);
    if (table.isAdmitted[client] === 1) parts.rules.left(table.user[client]!);
    table.close(client);
  }

  #wait(client: number): void {
    this.#options.table.state[client] = CHECKED;
    this.#options.loop.setReceiving(client, false);
  }

  #say(client: number, bytes: Uint8Array): void {
    if (bytes.length > 0) this.#options.loop.sendCopy(client, bytes, 0, bytes.length);
  }

  /** Goes on when the answer is there, if the client still is; `gone` is told if not. */
  #later<T>(client: number, answer: Promise<T>, go: (value: T) => void, gone?: (value: T) => void): void {
    const { table } = this.#options;
    const serial = table.serial[client]!;
    this.pendingCount++;
    const isHere = () => table.serial[client] === serial && table.state[client] === CHECKED;
    answer.then(
      (value) => {
        this.pendingCount--;
        if (isHere()) go(value);
        else gone?.(value);
      },
      () => {
        this.pendingCount--;
        if (isHere()) this.#refuse(client, 'internal');
      },
    );
  }

  #sourceOf(client: number): Endpoint {
    const address = peerAddressOf(this.#options.loop.socketOf(client));
    return address === null ? NOBODY : endpointOf(address);
  }

  #keyOf(client: number): number {
    if (!this.#options.parts.needsSource) return 0;
    return hashOf((this.#heads.get(client)?.source ?? this.#sourceOf(client)).host);
  }
}

function endpointOf(address: Address): Endpoint {
  if (address.kind === 'unix') return { host: address.path, port: 0 };
  return { host: address.host.replace(/^::ffff:(?=\d+\.)/, ''), port: address.port };
}

function refusalFor(errno: number): Refusal {
  if (errno === ERRNO.ECONNREFUSED) return 'connect-refused';
  if (errno === ERRNO.ETIMEDOUT) return 'timed-out';
  if (errno === ERRNO.EMFILE) return 'internal';
  return 'unreachable';
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
