/**
 * Many connections through a proxy with accounts, compared with what the upstream received and sent: to the byte.
 *
 *     node scripts/soak-accounts.ts [CONNECTIONS] [OPTION OF serve proxy…]
 *
 * Exit 1 when anything differs.
 */
import { join } from 'node:path';
import { readAccounts } from '../src/serve/proxy/accounts/read-accounts.ts';
import { compare, exchange, startProxy, startUpstream } from '../test/e2e/accounts-rig.ts';
import { temporaryFolder } from '../test/fixtures/guard.ts';

const connectionCount = Number(process.argv[2] ?? 100_000);
using folder = temporaryFolder();
const file = join(folder.path, 'accounts.db');
using upstream = await startUpstream(16);
await using proxy = await startProxy({ file, upstream, args: process.argv.slice(3) });
const beganMs = performance.now();
const traffic = { connectionCount, concurrency: 32, seed: 7, mostBytes: 20_000, pauseMs: 0 };
const broken = await exchange(proxy.port, traffic);
const tookMs = performance.now() - beganMs;
proxy.child.kill('SIGINT');
await proxy.exited;
const { total } = readAccounts(file, {});
const { tooMuch, missing } = compare(file, upstream.seen);
const sum = (pick: (one: (typeof upstream.seen)[number]) => number) =>
  upstream.seen.reduce((all, one) => all + pick(one), 0);
const [up, down] = [sum((one) => one.upBytes), sum((one) => one.downBytes)];
console.log(
  `${total.connections} of ${connectionCount} connections in ${Math.round(tookMs / 1000)} s, ${broken} broken: ` +
    `${total.upBytes} of ${up} bytes up, ${total.downBytes} of ${down} bytes down; the kernel counted otherwise on ` +
    `${total.differingConnections}`,
);
const isExact = total.upBytes === up && total.downBytes === down && missing === 0 && tooMuch.length === 0;
console.log(isExact ? 'the same to the byte' : `DIFFERENT ${missing} missing ${tooMuch.join(' ')}`);
process.exitCode = isExact ? 0 : 1;
