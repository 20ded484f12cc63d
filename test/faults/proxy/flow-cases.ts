/** What may happen on a connection through a proxy: cases from a seed. */

/** How one side of a connection behaves. */
export type SidePlan = {
  sendBytes: number;
  /** Most bytes of one write. */
  writeBytes: number;
  /** It sends only when the other has ended its side. */
  waitsForEnd: boolean;
  /** It resets the connection when it has sent so many bytes; null: never. */
  resetsAtBytes: number | null;
  /** It reads nothing for so long, whenever so many bytes have come. */
  pauseMs: number;
  pauseEveryBytes: number;
};

export type FlowCase = { seed: number; kind: FlowKind; client: SidePlan; upstream: SidePlan };

export type FlowKind = (typeof FLOW_KINDS)[number];

export const FLOW_KINDS = [
  'both send',
  'client half-closes first',
  'upstream half-closes first',
  'client reads slowly',
  'upstream reads slowly',
  'client stalls',
  'upstream stalls',
  'client resets',
  'upstream resets',
  'nothing is sent',
] as const;

const MB = 1 << 20;
const HALF_CLOSE_BYTES = 8 * MB;

/** The kinds take turns; all else is by the seed. */
export function flowCaseOf(seed: number): FlowCase {
  const random = seeded(seed);
  const upTo = (most: number) => Math.floor(random() * (most + 1));
  const kind = FLOW_KINDS[seed % FLOW_KINDS.length]!;
  const side = (): SidePlan => {
    return {
      sendBytes: upTo(random() < 0.3 ? 100 : MB),
      writeBytes: 1 + upTo(random() < 0.3 ? 100 : 200_000),
      waitsForEnd: false,
      resetsAtBytes: null,
      pauseMs: 0,
      pauseEveryBytes: Number.POSITIVE_INFINITY,
    };
  };
  const [client, upstream] = [side(), side()];
  // A write of a few bytes is for streams of a few bytes.
  for (const plan of [client, upstream]) plan.writeBytes = Math.max(plan.writeBytes, plan.sendBytes >> 9);
  const [first, second] = kind.startsWith('upstream') ? [upstream, client] : [client, upstream];
  if (kind.endsWith('half-closes first')) {
    Object.assign(second, {
      sendBytes: HALF_CLOSE_BYTES,
      waitsForEnd: true,
      writeBytes: 1 + upTo(MB) + 1000,
    });
  } else if (kind.endsWith('reads slowly')) {
    Object.assign(first, { pauseMs: 1 + upTo(4), pauseEveryBytes: 20_000 + upTo(200_000) });
    Object.assign(second, { sendBytes: MB + upTo(MB), writeBytes: 200_000 });
  } else if (kind.endsWith('stalls')) {
    Object.assign(first, { pauseMs: 200 + upTo(200), pauseEveryBytes: MB });
    Object.assign(second, { sendBytes: 2 * MB + upTo(2 * MB), writeBytes: 200_000 });
  } else if (kind.endsWith('resets')) {
    first.sendBytes += 1000;
    first.resetsAtBytes = upTo(first.sendBytes - 1);
    second.sendBytes += 2 * MB;
    second.writeBytes = 200_000;
  } else if (kind === 'nothing is sent') {
    client.sendBytes = upstream.sendBytes = 0;
  }
  return { seed, kind, client, upstream };
}

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed + 0x6d2b79f5;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
