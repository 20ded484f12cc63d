/** Begins the talk with each client of a listener: its way's, with a PROXY header before it where the peer is trusted. */
import { parseCidr } from '../rules/hosts/cidr.ts';
import { parseIp } from '../rules/hosts/ip.ts';
import { IpTable } from '../rules/hosts/ip-table.ts';
import { beginProxyHeader } from './proxy-header/proxy-talk.ts';
import type { Endpoint, Way, WayLimits, WayStep, WayTalk } from './way.ts';

/** Stands among the CIDRs for peers on Unix sockets, whom the socket's permissions let in. */
export const UNIX_PEERS = 'unix';

const TRUSTED = 1;

/**
 * For one listener. `proxyFrom`: who sends a PROXY header, as CIDRs that were checked, or UNIX_PEERS. Whoever is among
 * them has to send one, and from nobody else is one taken.
 */
export class Talks {
  readonly #way: Way;
  readonly #limits: WayLimits;
  readonly #trusted: IpTable | null;
  readonly #trustsUnix: boolean;
  readonly #words: Uint32Array = new Uint32Array(4);

  constructor(way: Way, limits: WayLimits, proxyFrom: readonly string[]) {
    this.#way = way;
    this.#limits = limits;
    this.#trustsUnix = proxyFrom.includes(UNIX_PEERS);
    const ranges = proxyFrom.filter((text) => text !== UNIX_PEERS).map(parseCidr);
    const valid = ranges.filter((range) => typeof range !== 'string');
    this.#trusted =
      valid.length === 0 ? null : new IpTable(valid, (holders) => (holders.length > 0 ? TRUSTED : 0));
  }

  /** The talk with a client from there; null: it has nothing to say. */
  begin(peer: Endpoint): WayTalk | null {
    const begin = () => this.#way.begin(this.#limits);
    if (this.#isTrusted(peer)) return new HeadedTalk(beginProxyHeader(this.#limits), begin);
    return this.#way.speaksFirst ? begin() : null;
  }

  #isTrusted(peer: Endpoint): boolean {
    if (parseIp(peer.host, this.#words)) return this.#trusted?.find(this.#words) === TRUSTED;
    return this.#trustsUnix;
  }
}

/** A PROXY header, and then the way's own talk: both from the first byte that is not the other's. */
class HeadedTalk implements WayTalk {
  #talk: WayTalk;
  readonly #beginWay: () => WayTalk;

  constructor(header: WayTalk, beginWay: () => WayTalk) {
    this.#talk = header;
    this.#beginWay = beginWay;
  }

  step(bytes: Uint8Array, start: number, end: number): WayStep {
    const step = this.#talk.step(bytes, start, end);
    if (step.kind === 'source') this.#talk = this.#beginWay();
    return step;
  }
}
