// Goal: a herd in somebody else's server, as its users run it: Debian's lighttpd with workers. Method: as for our own, by
// judge.ts; one connection for each request, so that workers are idle when one comes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../fixtures/guard.ts';
import { freePort, untilListening } from '../fixtures/ports.ts';
import { childPids, findProgram, start, until } from '../fixtures/process.ts';
import { testScenarios } from './judge.ts';
import { planted } from './scenarios.ts';

const WORKERS = 24;
const lighttpdPath = findProgram('lighttpd');

const configuration = (folder: string, port: number) => `
server.document-root = "${folder}"
server.errorlog = "${folder}/error.log"
server.bind = "127.0.0.1"
server.port = ${port}
server.max-worker = ${WORKERS}
index-file.names = ( "index.html" )
`;

testScenarios([
  {
    name: 'herd-lighttpd',
    title: `lighttpd with ${WORKERS} workers, which share its listener`,
    expected: ['accept.thundering-herd'],
    mustNotBe: [],
    obstacle: () => (process.getuid?.() !== 0 ? 'root' : lighttpdPath ? null : 'lighttpd'),
    plant: () =>
      planted(async (stack) => {
        const folder = stack.use(temporaryFolder());
        const port = await freePort();
        writeFileSync(join(folder.path, 'index.html'), 'ok');
        writeFileSync(join(folder.path, 'lighttpd.conf'), configuration(folder.path, port));
        const server = start(lighttpdPath!, ['-D', '-f', join(folder.path, 'lighttpd.conf')]);
        stack.defer(() => server.stop());
        await untilListening({ port });
        await until('the workers', () => childPids(server.pid).length === WORKERS);
        const load = ['--rate', '400', '--connections', '20', '--requests-per-connection', '1'];
        return {
          args: [
            ...['doctor', `http://127.0.0.1:${port}/`, '--pid', String(server.pid)],
            ...['--json', '--duration', '4s', ...load],
          ],
          evidence: [/without EPOLLEXCLUSIVE/, new RegExp(`\\b${WORKERS} workers\\b`)],
        };
      }),
  },
]);
