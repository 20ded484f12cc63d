/**
 * Mutated ELF files, .eh_frame sections and BTF, for as long as one likes.
 *
 *     node test/fuzz/binary-mutants.ts [--from SEED] [--inputs N]
 */
import { parseArgs } from 'node:util';
import { BINARY_KINDS, tryBinary } from './binary-trial.ts';

const { values } = parseArgs({
  options: { from: { type: 'string', default: '0' }, inputs: { type: 'string', default: '10000' } },
});
const from = Number(values.from);
for (const kind of BINARY_KINDS) {
  const before = process.cpuUsage();
  let wrongCount = 0;
  let mostUs = 0;
  for (let seed = from; seed < from + Number(values.inputs); seed++) {
    const start = process.cpuUsage();
    const wrong = tryBinary(kind, seed);
    const { user, system } = process.cpuUsage(start);
    mostUs = Math.max(mostUs, user + system);
    if (wrong !== null && wrongCount++ < 5) console.log(`${kind}, seed ${seed}: ${wrong}`);
  }
  const { user } = process.cpuUsage(before);
  const rssMb = Math.round(process.memoryUsage.rss() / 1e6);
  console.log(
    `${kind}: ${wrongCount} wrong, ${Math.round(user / 1e6)} s of CPU, the dearest ${mostUs} us, ${rssMb} MB`,
  );
}
