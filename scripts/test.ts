/**
 * `npm test`: runs the short part of every tier, or of those named. Plain Node without this would miss the *.ktest.ts
 * files, and would run what measures beside what keeps the cores busy. tiers.ts says which file belongs where.
 *
 *     npm test [TIER…] [-- --full] [node's own flags]
 *
 * With --full all files run, and properties are tried as often as they ask for (TEST_DEPTH=full). What failed is told
 * once more at the end, thousands of lines after it happened.
 */
import { runBatches } from './run-batches.ts';
import { batches, TIERS } from './tiers.ts';

const words = process.argv.slice(2);
const wanted = words.filter((word) => !word.startsWith('-'));
const isFull = words.includes('--full');
const flags = words.filter((word) => word.startsWith('-') && word !== '--full');
const unknown = wanted.filter((name) => !TIERS.includes(name));
if (unknown.length > 0) {
  console.error(`unknown tier ${unknown.join(', ')}; there are ${TIERS.join(', ')}`);
  process.exit(2);
}

const chosen = TIERS.filter((name) => wanted.length === 0 || wanted.includes(name));
const env = isFull ? { ...process.env, TEST_DEPTH: 'full' } : process.env;
const { failures, wrongAnswers, files, durationMs } = runBatches(batches(chosen, isFull), { flags, env });

const minutes = (ms: number) => `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
const slowest = files.sort((a, b) => b.durationMs - a.durationMs).slice(0, 16);
console.log(`\n${files.length} files in ${minutes(durationMs)}. The slowest:`);
for (const one of slowest) console.log(`  ${(one.durationMs / 1000).toFixed(1).padStart(6)} s  ${one.file}`);

function tell(heading: string, told: typeof failures) {
  if (told.length > 0) console.log(`\n${heading}`);
  for (const { name, file, line, error } of told) console.log(`${name} (${file}:${line})\n${error}\n`);
}

tell('Wrong at first, and right when asked again:', wrongAnswers);
tell('Failed:', failures);
process.exitCode = failures.length > 0 ? 1 : 0;
