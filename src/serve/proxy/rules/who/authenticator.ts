/**
 * Checks names and passwords. A check takes tens of milliseconds of a thread on purpose, so what was right is remembered
 * for a while: not the password, but a digest of it under a key that this process made up.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Credentials } from '../../ways/way.ts';
import { isPassword, type PasswordHash } from './password.ts';

export type AuthenticatorOptions = {
  hashes: ReadonlyMap<string, PasswordHash>;
  nowNs: () => number;
  /** The seam for tests. */
  check?: (password: Uint8Array, hash: PasswordHash) => Promise<boolean>;
};

/** At once; further ones wait their turn, and beyond that are refused. Node has four threads: look-ups need some too. */
const CHECK_LIMIT = 2;
const WAIT_LIMIT = 256;
const KEEP_NS = 600e9;
const MOST_KEPT = 10_000;

export class Authenticator {
  readonly #hashes: ReadonlyMap<string, PasswordHash>;
  readonly #nowNs: () => number;
  readonly #check: (password: Uint8Array, hash: PasswordHash) => Promise<boolean>;
  readonly #key = randomBytes(32);
  /** Until when each digest is remembered. */
  readonly #right = new Map<string, number>();
  readonly #underWay = new Map<string, Promise<boolean>>();
  readonly #waiting: (() => void)[] = [];
  #checkCount = 0;
  /** Refused unseen: too many were waiting. */
  busyCount = 0;

  constructor(options: AuthenticatorOptions) {
    this.#hashes = options.hashes;
    this.#nowNs = options.nowNs;
    this.#check = options.check ?? isPassword;
  }

  /** Whether anybody has a password. */
  get isUsed(): boolean {
    return this.#hashes.size > 0;
  }

  /** The name, or null. A name that nobody has is checked too, against somebody's hash, and found wrong after as long. */
  authenticate({ name, password }: Credentials): string | null | Promise<string | null> {
    if (!this.isUsed) return null;
    const digest = createHmac('sha256', this.#key).update(`${name.length}:${name}`).update(password).digest();
    const known = digest.toString('base64');
    if (this.#isRemembered(known)) return name;
    return this.#find(known, name, password);
  }

  async #find(known: string, name: string, password: Uint8Array): Promise<string | null> {
    const own = this.#hashes.get(name);
    const hash = own ?? this.#anyHash(name);
    const asked = this.#underWay.get(known) ?? this.#inTurn(known, password, hash);
    const isRight = (await asked) && own !== undefined;
    if (isRight) this.#remember(known);
    return isRight ? name : null;
  }

  #isRemembered(digest: string): boolean {
    const untilNs = this.#right.get(digest);
    if (untilNs === undefined) return false;
    if (this.#nowNs() < untilNs) return true;
    this.#right.delete(digest);
    return false;
  }

  #remember(digest: string): void {
    if (this.#right.size >= MOST_KEPT) this.#right.delete(this.#right.keys().next().value!);
    this.#right.set(digest, this.#nowNs() + KEEP_NS);
  }

  #inTurn(digest: string, password: Uint8Array, hash: PasswordHash): Promise<boolean> {
    const asked = this.#take(password, hash).finally(() => this.#underWay.delete(digest));
    this.#underWay.set(digest, asked);
    return asked;
  }

  async #take(password: Uint8Array, hash: PasswordHash): Promise<boolean> {
    if (this.#checkCount >= CHECK_LIMIT) {
      if (this.#waiting.length >= WAIT_LIMIT) {
        this.busyCount++;
        return false;
      }
      // Who ends a check hands its turn on, so the count stays.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#checkCount++;
    try {
      return await this.#check(password, hash);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#checkCount--;
      else next();
    }
  }

  /** Always the same for a name, so that time tells of no name whether it exists, whatever the hashes cost. */
  #anyHash(name: string): PasswordHash {
    const digest = createHmac('sha256', this.#key).update(name).digest();
    const index = digest.readUInt32LE(0) % this.#hashes.size;
    return [...this.#hashes.values()][index]!;
  }
}
