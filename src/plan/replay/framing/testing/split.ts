import { createLogRecord, type Splitter } from '../splitter.ts';

export type Piece = { text: string; number: number; refusal: number; unfinished: boolean };

/** Everything that a splitter makes of a text that comes in pieces of the given lengths, again and again. */
export function split(splitter: Splitter, text: Uint8Array, lengths: readonly number[]): Piece[] {
  const record = createLogRecord();
  const pieces: Piece[] = [];
  const take = () => {
    while (splitter.next(record)) {
      const { bytes, start, end, number, refusal, unfinished } = record;
      pieces.push({
        text: Buffer.from(bytes.subarray(start, end)).toString('latin1'),
        number,
        refusal,
        unfinished,
      });
    }
  };
  for (let at = 0, i = 0; at < text.length; i++) {
    const length = Math.max(1, lengths[i % lengths.length] ?? text.length);
    splitter.push(text.subarray(at, at + length));
    take();
    at += length;
  }
  splitter.end();
  take();
  return pieces;
}
