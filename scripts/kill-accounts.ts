/**
 * Kills a proxy with accounts again and again, at seeded moments, and says what was lost, and whether anything was counted
 * twice.
 *
 *     node scripts/kill-accounts.ts [TIMES] [SEED]
 *
 * Exit 1 when anything was counted twice.
 */
import { join } from 'node:path';
import { killTrial } from '../test/e2e/accounts-rig.ts';
import { temporaryFolder } from '../test/fixtures/guard.ts';

const times = Number(process.argv[2] ?? 100);
const firstSeed = Number(process.argv[3] ?? 1);
using folder = temporaryFolder();
const lost: number[] = [];
let twice = 0;
let connections = 0;
for (let seed = firstSeed; seed < firstSeed + times; seed++) {
  const trial = await killTrial(join(folder.path, `${seed}.db`), seed);
  connections += trial.connections;
  lost.push(trial.lostMs);
  twice += trial.tooMuch.length;
  console.log(
    `seed ${seed}: ${trial.killed} killed, ${trial.connections} connections, ${trial.missing} not written, ` +
      `the oldest ${Math.round(trial.lostMs)} ms old${trial.tooMuch.map((text) => `\n  TOO MUCH ${text}`).join('')}`,
  );
}
lost.sort((a, b) => a - b);
const median = lost[lost.length >> 1] ?? 0;
console.log(
  `${times} kills, ${connections} connections: ${twice} counted too often; lost: median ${Math.round(median)} ms, ` +
    `most ${Math.round(lost.at(-1) ?? 0)} ms`,
);
process.exit(twice > 0 ? 1 : 0);
