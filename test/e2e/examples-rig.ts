/** What the examples of docs/reference/cli.md meet in tests, instead of the servers and files that they name. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Store } from '../../src/serve/proxy/accounts/store.ts';
import { temporaryFolder } from '../fixtures/guard.ts';
import { wordsOf } from '../helpers/cli-examples.ts';

/** How long those that last do so. */
export const TIME = '300ms';

/** A folder with the files that examples read. */
export function exampleFolder(): ReturnType<typeof temporaryFolder> {
  const folder = temporaryFolder();
  const stamp = '[29/Nov/2026:07:04:55 +0000]';
  writeFileSync(join(folder.path, 'nginx.conf'), 'http { access_log access.log; }\n');
  writeFileSync(
    join(folder.path, 'access.log'),
    [1, 2, 3].map((n) => `127.0.0.${n} - - ${stamp} "GET /${n} HTTP/1.1" 200 2 "-" "curl/8.0"\n`).join(''),
  );
  writeFileSync(
    join(folder.path, 'access.jsonl'),
    '{"ts":"2026-11-29T07:04:55.123Z","m":"GET","u":"/","s":200,"c":"127.0.0.1"}\n',
  );
  new Store(join(folder.path, 'accounts.db'))[Symbol.dispose]();
  writeFileSync(join(folder.path, 'upstreams.txt'), '127.0.0.1:80 weight=3\n');
  writeFileSync(join(folder.path, 'body.json'), '{"n":1}');
  writeFileSync(join(folder.path, 'routes.json'), '{"/":"hello"}');
  writeFileSync(join(folder.path, 'proxy.json'), '{"listen":["127.0.0.1:0"],"upstreams":["127.0.0.1:80"]}');
  writeFileSync(
    join(folder.path, 'mix.json'),
    '{"kinds":[{"name":"home","weight":3,"checks":{"status":200}},{"name":"again","path":"/"}]}',
  );
  return folder;
}

/** Where the servers that examples name listen here. */
export type Stand = {
  folder: string;
  httpPort: number;
  echoPort: number;
  proxyPort?: number;
  httpPid?: number;
  agentPid?: number;
};

/** The words of an example: shorter, and with the test's own servers. */
export function adapt(line: string, stand: Stand): string[] {
  const words = wordsOf(line).slice(1);
  const name = words[0]!;
  return words.map((word, i) => {
    const before = words[i - 1] ?? '';
    if (before === '--duration' || before === '-d') return name === 'lab' ? '2s' : TIME;
    if (before === '--warmup') return '50ms';
    if (before === '--cpus') return '0';
    if (before === '--stage') return word.replace(/\/\d+s$/, '/100ms');
    if (before === '--pid' && word === 'loopscope') return String(stand.agentPid);
    if (word === 'nginx') return String(stand.httpPid);
    return word
      .replace(/127\.0\.0\.1:8080|^:8080$/, (at) => at.replace('8080', String(stand.httpPort)))
      .replace('127.0.0.1:7007', `127.0.0.1:${stand.echoPort}`)
      .replace('127.0.0.1:3128', `127.0.0.1:${stand.proxyPort}`)
      .replace('unix:/run/agent.sock', `unix:${join(stand.folder, 'agent.sock')}`);
  });
}

/** Serves until it is told to stop. */
export function serves(line: string): boolean {
  return /^loopscope serve (?!accounts|upstreams)/.test(line);
}
