/**
 * Mutated run files through every form of report, for as long as one likes: tells what was thrown, and the dearest.
 *
 *     node test/fuzz/report-mutants.ts [--from SEED] [--inputs N]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mutatedRunFile } from './mutated-run.ts';
import { tryReport } from './report-trial.ts';

const { values } = parseArgs({
  options: { from: { type: 'string', default: '0' }, inputs: { type: 'string', default: '1000' } },
});
const from = Number(values.from);
const count = Number(values.inputs);
const folder = mkdtempSync(join(tmpdir(), 'loopscope-mutants-'));
const path = join(folder, 'run.loopscope');
const dearest: { seed: number; cpuMs: number }[] = [];
const total = { refused: 0, rendered: 0, thrown: 0, bytesMost: 0, rssMb: 0 };
try {
  for (let seed = from; seed < from + count; seed++) {
    writeFileSync(path, mutatedRunFile(seed));
    const before = process.cpuUsage();
    try {
      const { refused, outputBytes } = tryReport(path);
      total[refused === null ? 'rendered' : 'refused']++;
      total.bytesMost = Math.max(total.bytesMost, outputBytes);
    } catch (error) {
      total.thrown++;
      console.log(`seed ${seed}: ${(error as Error).stack?.split('\n').slice(0, 4).join(' | ')}`);
    }
    const { user, system } = process.cpuUsage(before);
    dearest.push({ seed, cpuMs: Math.round((user + system) / 1000) });
    dearest.sort((a, b) => b.cpuMs - a.cpuMs);
    dearest.length = Math.min(dearest.length, 5);
    total.rssMb = Math.max(total.rssMb, Math.round(process.memoryUsage.rss() / 1e6));
    if ((seed - from + 1) % 1000 === 0) console.log(seed + 1, JSON.stringify(total), JSON.stringify(dearest));
  }
  console.log(JSON.stringify(total), JSON.stringify(dearest));
} finally {
  rmSync(folder, { recursive: true });
}
