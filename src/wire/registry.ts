import type { Codec } from './codec.ts';
import { frame } from './frame.ts';
import { http1 } from './http1.ts';

/** Every protocol that can be driven. */
export const CODECS: readonly Codec[] = [http1, frame];

/** The codec of a target's protocol. */
export function codecFor(protocol: 'http' | 'frame'): Codec {
  return protocol === 'http' ? http1 : frame;
}
