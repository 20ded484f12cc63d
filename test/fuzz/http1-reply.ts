/**
 * Fuzzes the HTTP/1 reply parser:
 *
 *     node test/fuzz/http1-reply.ts [--from SEED] [--inputs N] [--seconds S] [--coverage]
 *
 * Seeds are taken in order, so a run goes on where another stopped (it prints --from for that), and a failure is
 * repeated by its seed alone. Looks for exceptions, endless loops, results that depend on how the bytes were cut, and
 * memory that grows. Exit status 1 and the input as text when something is found. With --coverage it also says which
 * blocks of the parser no input has reached.
 */
import { parseArgs } from 'node:util';
import { beginCoverage } from './reached.ts';
import { ReplyTrial } from './reply-trial.ts';

/** What a parser and its trial may hold on to, garbage of the moment included. */
const MAX_HEAP_GROWTH_BYTES = 64 * 1024 * 1024;
const CHECK_EVERY = 16_384;

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '0' },
    inputs: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '3600' },
    coverage: { type: 'boolean', default: false },
  },
});
const from = Number(values.from);
const stop = from + Number(values.inputs);

const coverage = values.coverage ? await beginCoverage() : null;
const trial = new ReplyTrial();
const startMs = performance.now();
const untilMs = startMs + Number(values.seconds) * 1000;
const startBytes = heldBytes();
let byteCount = 0;
let seed = from;
for (; seed < stop; seed++) {
  if ((seed & (CHECK_EVERY - 1)) === 0 && performance.now() > untilMs) break;
  const problem = trial.run(seed);
  byteCount += trial.inputs.length;
  if (problem === null) continue;
  const { bytes, length } = trial.inputs;
  console.error(`seed ${seed}: ${problem}`);
  console.error(JSON.stringify(Buffer.from(bytes.subarray(0, length)).toString('latin1')));
  process.exit(1);
}
const seconds = (performance.now() - startMs) / 1000;
const growth = heldBytes() - startBytes;
if (growth > MAX_HEAP_GROWTH_BYTES) {
  console.error(`memory grew by ${growth} bytes over ${seed - from} inputs`);
  process.exit(1);
}
const rate = Math.round((seed - from) / seconds);
console.log(
  `${seed - from} inputs, ${byteCount} bytes, ${seconds.toFixed(1)} s, ${rate}/s, memory ${growth >= 0 ? '+' : ''}${growth} bytes; go on with --from ${seed}`,
);

if (coverage !== null) {
  const unreached = await coverage.unreached(
    /src\/wire\/(http1-(reply|status|fields|chunked)|shape|stash|capture)\.ts$/,
  );
  console.log(unreached.length === 0 ? 'every block was reached' : `never reached:\n${unreached.join('\n')}`);
}

function heldBytes(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
