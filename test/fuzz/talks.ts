/**
 * Mutated heads of all ways into the proxy, for as long as one likes:
 *
 *     node test/fuzz/talks.ts [--from SEED] [--inputs N] [--kind connect|socks5|sni|proxy]
 *
 * Each input is read whole, and again in pieces between other bytes. A failure is repeated by its seed alone; exit status
 * 1 when there is one.
 */
import { parseArgs } from 'node:util';
import { TALK_KINDS, tryTalk } from './talk-trial.ts';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '0' },
    inputs: { type: 'string', default: '100000' },
    kind: { type: 'string' },
  },
});
const from = Number(values.from);
for (const kind of TALK_KINDS) {
  if (values.kind !== undefined && values.kind !== kind) continue;
  const before = process.cpuUsage();
  const ends = { more: 0, wrong: 0, read: 0 };
  let wrongCount = 0;
  for (let seed = from; seed < from + Number(values.inputs); seed++) {
    const { wrong, end } = tryTalk(kind, seed);
    ends[end]++;
    if (wrong !== null && wrongCount++ < 5) console.log(`${kind}, seed ${seed}: ${wrong}`);
  }
  const { user } = process.cpuUsage(before);
  console.log(
    `${kind}: ${wrongCount} wrong of ${values.inputs}; ${ends.read} read, ${ends.wrong} refused, ${ends.more} cut short; ` +
      `${Math.round(user / 1e6)} s of CPU, ${Math.round(process.memoryUsage.rss() / 1e6)} MB`,
  );
  if (wrongCount > 0) process.exitCode = 1;
}
