// Goal: every documented example works. Method: the command lines of docs/reference/cli.md are run against servers started
// here, with short durations; that each option has one is test/tidy's.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Store } from '../../src/serve/proxy/accounts/store.ts';
import { startForwardProxy } from '../fixtures/forward-proxy.ts';
import { temporaryFolder } from '../fixtures/guard.ts';
import { binPath, type LoopscopeResult, runLoopscope } from '../fixtures/loopscope.ts';
import { freePort, untilListening } from '../fixtures/ports.ts';
import { start, until } from '../fixtures/process.ts';
import { examples, wordsOf } from '../helpers/cli-examples.ts';
import { needs } from '../helpers/needs.ts';

const isRoot = process.getuid?.() === 0;

// What examples meet instead of the servers they name.
const folder = temporaryFolder();
const TIME = '300ms';
/** Of those that serve, these only say something. */
const ENDS = /--check-config|--hash-password/;
let httpPort = 0;
let echoPort = 0;
let proxyPort = 0;
let spareServers = 0;

before(async () => {
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
});

/** Shorter, and with the test's own servers in place of those that a reader has. */
function adapt(line: string, httpPid: number, agentPid: number): string[] {
  const words = wordsOf(line).slice(1);
  const name = words[0]!;
  return words.map((word, i) => {
    const before = words[i - 1] ?? '';
    if (before === '--duration' || before === '-d') return name === 'lab' ? '2s' : TIME;
    if (before === '--warmup') return '50ms';
    if (before === '--cpus') return '0';
    if (before === '--stage') return word.replace(/\/\d+s$/, '/100ms');
    if (before === '--pid' && word === 'loopscope') return String(agentPid);
    if (word === 'nginx') return String(httpPid);
    return word
      .replace(/127\.0\.0\.1:8080|^:8080$/, (at) => at.replace('8080', String(httpPort)))
      .replace('127.0.0.1:7007', `127.0.0.1:${echoPort}`)
      .replace('127.0.0.1:3128', `127.0.0.1:${proxyPort}`)
      .replace('unix:/run/agent.sock', `unix:${join(folder.path, 'agent.sock')}`);
  });
}

/** Serves until it is told to stop. */
function serves(line: string): boolean {
  return /^loopscope serve (?!accounts|upstreams)/.test(line);
}

/** A run may be judged badly on a busy machine, or cross a threshold: that is an answer, not a failure to run. */
function assertWorked(line: string, result: LoopscopeResult): void {
  const said = `${line}\nexit ${result.code} ${result.signal ?? ''}\n${result.stderr}\n${result.stdout.slice(-2000)}`;
  assert.ok(result.code !== null && [0, 1, 3].includes(result.code), said);
  // An error; the line for logs begins alike.
  assert.doesNotMatch(result.stderr, /^loopscope: (?!\w+ exit=)/m, said);
}

async function serverFrom(args: string[], at: { port: number } | { path: string }) {
  const server = start(binPath, ['serve', ...args], { cwd: folder.path });
  await untilListening(at, 10_000);
  return server;
}

test('examples that drive or watch: each runs', async (t) => {
  if (!needs(t, isRoot, 'root, to watch')) return;
  httpPort = await freePort();
  echoPort = await freePort();
  const path = join(folder.path, 'agent.sock');
  await using http = await serverFrom(['http', '-l', `http://127.0.0.1:${httpPort}`], { port: httpPort });
  await using _echo = await serverFrom(['echo', '-l', `tcp://127.0.0.1:${echoPort}`], { port: echoPort });
  await using proxy = await startForwardProxy();
  proxyPort = proxy.port;
  await using agent = await serverFrom(['agent', '-l', `unix:${path}`], { path });
  const servedPort = await freePort();
  const served = ['proxy', '-l', `127.0.0.1:${servedPort}`, '--admin', 'proxy-admin.sock'];
  await using _served = await serverFrom(served, { port: servedPort });
  const driven = examples.filter((example) => !serves(example));
  // What reads a run file comes after what writes it; for the rest, most of the time is waiting.
  const reads = (line: string) => / (run|before(-\d)?)\.loopscope/.test(line.replace(/--out \S+/, ''));
  // No run may stand on both sides of a comparison.
  const compared = new Set(examples.join(' ').match(/(before|after)(-\d)?\.loopscope/g));
  for (const name of compared) {
    const target = `http://127.0.0.1:${httpPort}/`;
    await runLoopscope(['load', target, '--duration', TIME, '--out', name, '--quiet'], { cwd: folder.path });
  }
  for (const group of [driven.filter((line) => !reads(line)), driven.filter(reads)]) {
    const left = [...group];
    const worker = async () => {
      for (let line = left.shift(); line !== undefined; line = left.shift()) {
        await runExample(line, adapt(line, http.pid, agent.pid));
      }
    };
    await Promise.all([worker(), worker(), worker()]);
  }
});

async function runExample(line: string, words: string[]): Promise<void> {
  // One that says nothing of its length would take the default.
  const lasts =
    ['load', 'doctor', 'watch'].includes(words[0]!) &&
    !words.some((word) => word === 'run.loopscope' && words[words.indexOf(word) - 1] !== '--out');
  const timed = words.includes('--duration') || words.includes('--stage') || !lasts;
  const args = timed || words.includes('--find-limit') ? words : [...words, '--duration', TIME];
  const searching = args.includes('--find-limit');
  const result = await runLoopscope(args, {
    cwd: folder.path,
    // A search takes as long as it takes: an interrupted one reports what it found so far.
    ...(searching && {
      started: async ({ child }) => {
        await delay(2500);
        child.kill('SIGINT');
      },
    }),
  });
  if (!searching) return assertWorked(line, result);
  assert.match(result.stdout, /^The highest rate with p99<20ms/, line);
  assert.match(result.stdout, /^(The limit is|No limit was found)/m, line);
}

test('examples about a configuration: each says something, and ends', async () => {
  for (const line of examples.filter((example) => ENDS.test(example))) {
    await using ended = start(binPath, adapt(line, 0, 0), { cwd: folder.path, stdin: 'pipe' });
    ended.child.stdin?.end('secret\n');
    const { code } = await ended.exited;
    assert.equal(code, 0, `${line}\n${ended.output()}`);
    assert.match(ended.output(), /listens at|^\$scrypt\$/m);
  }
});

test('examples that serve: each listens, and ends when told to', async (t) => {
  if (!needs(t, isRoot, 'root, for owners and niceness')) return;
  for (const line of examples.filter((example) => serves(example) && !ENDS.test(example))) {
    httpPort = await freePort();
    echoPort = await freePort();
    const sock = `agent-${spareServers++}.sock`;
    const args = adapt(line, 0, 0).map((word) => word.replace('agent.sock', sock));
    await using server = start(binPath, args, { cwd: folder.path });
    await until(
      `the ready line of: ${line}`,
      () => /listening|"ready"|"listen/.test(server.output()) || null,
      10_000,
    );
    server.child.kill('SIGTERM');
    const { code } = await server.exited;
    assert.equal(code, 0, `${line}\n${server.output()}`);
  }
});

test('the last of them leaves no folder behind', () => folder[Symbol.dispose]());
