/**
 * Writes a combined log of so many bytes to standard output, on the fly: 5 000 lines a second of the log's time, of a
 * thousand clients.
 *
 *   node large-log.ts BYTES
 */
import { writeSync } from 'node:fs';

const LINES = 5_000;
const BEGIN_SEC = 1_795_935_895;
const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';
const STAMP = '29/Nov/2026:07:04:55';

/** A second of the log, and where its stamps lie. */
const lines = Array.from({ length: LINES }, (_, nth) => {
  const client = `10.${nth & 3}.${(nth >> 2) & 255}.7`;
  const path = `/item/${(nth * 7919) % 100_003}?page=${nth % 17}`;
  return `${client} - - [${STAMP} +0000] "GET ${path} HTTP/1.1" 200 2 "-" "agent/${nth % 97}"\n`;
});
const block = Buffer.from(lines.join(''));
const places: number[] = [];
let start = 0;
for (const line of lines) {
  places.push(start + line.indexOf(STAMP));
  start += line.length;
}

function stampOf(sec: number): Buffer {
  const at = new Date(sec * 1e3).toISOString();
  const month = 3 * Number(at.slice(5, 7));
  return Buffer.from(
    `${at.slice(8, 10)}/${MONTHS.slice(month - 3, month)}/${at.slice(0, 4)}:${at.slice(11, 19)}`,
  );
}

const limit = Number(process.argv[2]);
for (let written = 0, sec = BEGIN_SEC; written < limit; written += block.length, sec++) {
  const stamp = stampOf(sec);
  for (const place of places) stamp.copy(block, place);
  // Blocks until there is room, as standard output of a shell's pipe does.
  for (let at = 0; at < block.length; ) at += writeSync(1, block, at);
}
