// Goal: every documented example that drives, watches or reads works. Method: the command lines of docs/reference/cli.md
// are run against servers started here, with short durations; that each option has one is test/tidy's.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startForwardProxy } from '../fixtures/forward-proxy.ts';
import { binPath, type LoopscopeResult, runLoopscope } from '../fixtures/loopscope.ts';
import { freePort, untilListening } from '../fixtures/ports.ts';
import { start } from '../fixtures/process.ts';
import { examples } from '../helpers/cli-examples.ts';
import { needs } from '../helpers/needs.ts';
import { adapt, exampleFolder, serves, TIME } from './examples-rig.ts';

const isRoot = process.getuid?.() === 0;
const folder = exampleFolder();

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
  const [httpPort, echoPort] = [await freePort(), await freePort()];
  const path = join(folder.path, 'agent.sock');
  await using http = await serverFrom(['http', '-l', `http://127.0.0.1:${httpPort}`], { port: httpPort });
  await using _echo = await serverFrom(['echo', '-l', `tcp://127.0.0.1:${echoPort}`], { port: echoPort });
  await using proxy = await startForwardProxy();
  await using agent = await serverFrom(['agent', '-l', `unix:${path}`], { path });
  const servedPort = await freePort();
  const served = ['proxy', '-l', `127.0.0.1:${servedPort}`, '--admin', 'proxy-admin.sock'];
  await using _served = await serverFrom(served, { port: servedPort });
  const stand = {
    ...{ folder: folder.path, httpPort, echoPort, proxyPort: proxy.port },
    ...{ httpPid: http.pid, agentPid: agent.pid },
  };
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
        await runExample(line, adapt(line, stand));
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

test('the last of them leaves no folder behind', () => folder[Symbol.dispose]());
