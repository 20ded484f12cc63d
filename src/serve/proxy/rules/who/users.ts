/** Users by source address. */
import type { AccessUser } from '../access.ts';
import { type IpRange, parseCidr } from '../hosts/cidr.ts';
import { parseIp } from '../hosts/ip.ts';
import { IpTable, NOT_FOUND } from '../hosts/ip-table.ts';

/** In `from`: clients of Unix sockets. */
export const UNIX = 'unix';

export class Users {
  readonly #users: ReadonlyMap<string, AccessUser>;
  readonly #known: readonly AccessUser[];
  readonly #bySource: IpTable;
  readonly #byUnix: string | null;
  /** Where passwords hold, for those with a `from`. */
  readonly #places = new Map<string, IpTable>();
  readonly #words = new Uint32Array(4);

  constructor(users: readonly AccessUser[]) {
    this.#users = new Map(users.map((user) => [user.name, user]));
    this.#known = users.filter(({ passwordHash }) => passwordHash === null);
    const ranges: IpRange[] = [];
    const owners: number[] = [];
    for (const [i, user] of this.#known.entries()) {
      for (const range of rangesOf(user)) {
        ranges.push(range);
        owners.push(i);
      }
    }
    this.#bySource = new IpTable(ranges, (holders) => owners[holders.at(-1) ?? -1] ?? NOT_FOUND);
    this.#byUnix = this.#known.find(({ from }) => from.includes(UNIX))?.name ?? null;
    for (const user of users) {
      if (user.passwordHash === null || user.from.length === 0) continue;
      this.#places.set(user.name, new IpTable(rangesOf(user), ({ length }) => (length > 0 ? 1 : NOT_FOUND)));
    }
  }

  get isEmpty(): boolean {
    return this.#users.size === 0;
  }

  /** Whether anybody is known by address. */
  get asksWhence(): boolean {
    return this.#known.length > 0 || this.#places.size > 0;
  }

  get(name: string): AccessUser | undefined {
    return this.#users.get(name);
  }

  /** Who comes from there, by the smallest range that holds it; null for nobody. `host` is a path or '' for Unix sockets. */
  at(host: string): string | null {
    if (!this.#read(host)) return this.#byUnix;
    const owner = this.#bySource.find(this.#words);
    return owner === NOT_FOUND ? null : this.#known[owner]!.name;
  }

  /** Whether the user's password holds there. */
  mayComeFrom(name: string, host: string): boolean {
    const places = this.#places.get(name);
    if (places === undefined) return this.#users.has(name);
    if (!this.#read(host)) return this.#users.get(name)!.from.includes(UNIX);
    return places.find(this.#words) !== NOT_FOUND;
  }

  /** Not as destinations are judged: 6to4 of an address inside may well come from outside. */
  #read(host: string): boolean {
    return parseIp(host, this.#words);
  }
}

function rangesOf({ from }: AccessUser): IpRange[] {
  return from.map(parseCidr).filter((range) => typeof range !== 'string');
}
