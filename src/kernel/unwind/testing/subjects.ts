/** Distribution programs at varied work under a light, bounded load on loopback: what the unwinder is compared on. */

import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '../../../../test/fixtures/guard.ts';
import { nginxPath, startNginx } from '../../../../test/fixtures/nginx.ts';
import { findProgram, start } from '../../../../test/fixtures/process.ts';
import { redisServerPath, startRedis } from '../../../../test/fixtures/redis.ts';

export type Subject = { readonly pid: number; [Symbol.asyncDispose](): Promise<void> };

/** The distribution's own: a version manager's python3 may come first in PATH. */
export const pythonPath = '/usr/bin/python3';

export const SUBJECTS: { name: string; isPresent: boolean; start(): Promise<Subject> }[] = [
  { name: 'nginx', isPresent: nginxPath !== null, start: startBusyNginx },
  { name: 'redis-server', isPresent: redisServerPath !== null, start: startBusyRedis },
  { name: 'python3', isPresent: findProgram('python3') !== null, start: startBusyPython },
];

const CONNECTIONS = 3;

async function startBusyNginx(): Promise<Subject> {
  const folder = temporaryFolder();
  const page = Array.from({ length: 8000 }, (_, i) => `line ${i * 7919}`).join('\n');
  const file = join(folder.path, 'page.txt');
  writeFileSync(file, page);
  const nginx = await startNginx({
    http: 'gzip on; gzip_types text/plain; gzip_comp_level 6; open_file_cache off;',
    server: `location /page { alias ${file}; }
      location /again { rewrite ^/again/(\\d)\\d*$ /page last; }
      location /proxy { proxy_pass http://127.0.0.1:$server_port/page; }`,
  });
  const paths = ['/', '/page', '/again/4711', '/absent', '/proxy'];
  const requests = paths.map(
    (path) => `GET ${path} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n`,
  );
  const load = keepAsking(nginx.port, requests);
  return {
    pid: nginx.workerPids[0]!,
    async [Symbol.asyncDispose]() {
      load.stop();
      await nginx[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

async function startBusyRedis(): Promise<Subject> {
  const redis = await startRedis();
  const list = Array.from({ length: 2000 }, (_, i) => (i * 7919) % 4001).join(' ');
  const load = keepAsking(redis.port, [
    `DEL numbers\r\nRPUSH numbers ${list}\r\nQUIT\r\n`,
    'SORT numbers ALPHA DESC\r\nQUIT\r\n',
    'EVAL "local t={} for i=1,20000 do t[i%97]=string.rep(tostring(i),3) end return #t" 0\r\nQUIT\r\n',
    'DEBUG POPULATE 3000\r\nKEYS *9*\r\nDEBUG RELOAD\r\nQUIT\r\n',
    'LRANGE numbers 0 -1\r\nINFO all\r\nDEBUG DIGEST\r\nQUIT\r\n',
  ]);
  return {
    pid: redis.pid,
    async [Symbol.asyncDispose]() {
      load.stop();
      await redis[Symbol.asyncDispose]();
    },
  };
}

const PYTHON = `
import json, re, time, zlib, random, hashlib, sqlite3
end = time.time() + 60
def deep(n, work):
    return deep(n - 1, work) if n else work()
rows = [{"name": str(i), "value": i * 7919 % 4001} for i in range(2000)]
text = json.dumps(rows)
base = sqlite3.connect(":memory:")
base.execute("create table t(a, b)")
base.executemany("insert into t values (?, ?)", [(i, str(i)) for i in range(3000)])
work = [
    lambda: json.loads(json.dumps(rows)), lambda: re.findall(r'("n\\w+").*?(\\d+)', text),
    lambda: zlib.compress(text.encode(), 9), lambda: sorted(rows, key=lambda r: (r["value"], r["name"])),
    lambda: time.sleep(0.005), lambda: hashlib.sha256(text.encode()).hexdigest(),
    lambda: base.execute("select b, count(*) from t group by b order by a desc").fetchall(),
    lambda: sum(i * i for i in range(20000)), lambda: 3 ** 20000 % 12345678901234567890,
]
while time.time() < end:
    deep(random.randrange(8), random.choice(work))
`;

async function startBusyPython(): Promise<Subject> {
  const python = start(pythonPath, ['-c', PYTHON]);
  return { pid: python.pid, [Symbol.asyncDispose]: () => python.stop() };
}

/** Each connection sends one text, reads to the end, and goes on with the next, until stopped or for a minute. */
function keepAsking(port: number, texts: string[]): { stop(): void } {
  let stopped = false;
  const timer = setTimeout(() => {
    stopped = true;
  }, 60_000);
  let turn = 0;
  const ask = () => {
    if (stopped) return;
    const socket = connect(port, '127.0.0.1', () => socket.write(texts[turn++ % texts.length]!));
    socket.on('error', () => {});
    socket.on('close', () => setTimeout(ask, 1));
    socket.resume();
  };
  for (let i = 0; i < CONNECTIONS; i++) ask();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
