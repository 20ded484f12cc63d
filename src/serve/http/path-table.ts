/** Finds a request's path among the routes, from its bytes: no text is made. */
// Invariants
//  P1  find() allocates nothing.
export class PathTable {
  readonly #paths: Uint8Array[];
  /** Open addressing: route + 1, or 0 for an empty place. Never more than half full. */
  readonly #places: Int32Array;
  readonly #mask: number;
  readonly #fallback: number;

  /** Paths in the order of their routes; "*" answers for what is not there. Of equal paths the last one counts. */
  constructor(paths: readonly string[]) {
    this.#paths = paths.map((path) => new TextEncoder().encode(path));
    this.#mask = 2 ** Math.ceil(Math.log2(paths.length * 2 + 2)) - 1;
    this.#places = new Int32Array(this.#mask + 1);
    this.#fallback = paths.lastIndexOf('*');
    for (const [route, bytes] of this.#paths.entries()) {
      let place = hashOf(bytes, 0, bytes.length) & this.#mask;
      while (
        this.#places[place] !== 0 &&
        !same(this.#paths[this.#places[place]! - 1]!, bytes, 0, bytes.length)
      ) {
        place = (place + 1) & this.#mask;
      }
      this.#places[place] = route + 1;
    }
  }

  /** The route of path [start, end), or the one of "*", or −1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    let place = hashOf(bytes, start, end) & this.#mask;
    for (;;) {
      const route = this.#places[place]! - 1;
      if (route < 0) return this.#fallback;
      if (same(this.#paths[route]!, bytes, start, end)) return route;
      place = (place + 1) & this.#mask;
    }
  }
}

/** FNV-1a. Paths are the operator's own, so collisions cannot be forced. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}

function same(path: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (path.length !== end - start) return false;
  for (let i = 0; i < path.length; i++) if (path[i] !== bytes[start + i]) return false;
  return true;
}
