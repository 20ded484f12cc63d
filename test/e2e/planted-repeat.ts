/**
 * Plants many stalls of each kind in each server and prints how many were accounted for rightly, and how much of them was
 * unexplained, in per cent: the median and the worst.
 *
 *     node --disable-warning=ExperimentalWarning test/e2e/planted-repeat.ts [SERVER… | all] [TIMES]
 *
 * A server is named by any part of its name. Exit 1 when a kind was right less than nine times in ten.
 */
import { allowedCores } from '../fixtures/cores.ts';
import { PLANTABLE_SERVERS } from '../fixtures/plantable-servers.ts';
import { STALL_KINDS, startSession } from './planted-kinds.ts';

const words = process.argv.slice(2);
const times = Number(words.find((word) => /^\d+$/.test(word)) ?? 10);
const names = words.filter((word) => !/^\d+$/.test(word));
const chosen = PLANTABLE_SERVERS.filter(({ name }) =>
  names.some((part) => part === 'all' || name.toLowerCase().includes(part.toLowerCase())),
);
if (chosen.length === 0) {
  console.error(`servers: all, ${PLANTABLE_SERVERS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const median = (values: number[]) =>
  values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const percent = (share: number) => (share * 100).toFixed(2);

let allGood = true;
console.log(['server'.padEnd(20), ...STALL_KINDS.map(({ name }) => name.padEnd(22))].join(''));
for (const server of chosen) {
  const obstacle = server.obstacle();
  if (obstacle) {
    console.log(`${server.name.padEnd(20)}not run: ${obstacle}`);
    continue;
  }
  await using session = await startSession(server, allowedCores().at(-1)!);
  const cells: string[] = [];
  for (const kind of STALL_KINDS) {
    const residuals: number[] = [];
    let right = 0;
    for (let i = 0; i < times; i++) {
      const judged = await session.plantOne(kind);
      residuals.push(judged.residualShare);
      if (judged.right) right++;
      else console.error(`-- ${server.name}, ${kind.name} #${i + 1}: ${judged.why}`);
    }
    const worst = Math.max(...residuals);
    const residual = `${percent(median(residuals))}..${percent(worst)}`;
    cells.push(`${right}/${times} ${residual}`.padEnd(22));
    if (right < times * 0.9) allGood = false;
  }
  console.log(server.name.padEnd(20) + cells.join(''));
}
process.exit(allGood ? 0 : 1);
