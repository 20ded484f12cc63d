// Goal: options that belong together are understood, and those that contradict each other are refused by name, with what
// to type instead. Method: command lines through commander, as a user types them, without anything being sent.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Command } from 'commander';
import { LoopscopeError } from '../base/errors.ts';
import { addLoadOptions, type LoadFlags } from './load-options.ts';
import { settleLoad } from './settle-load.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-settle-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const HTTP = 'http://127.0.0.1:8080/';
const UNIX = 'unix:/run/agent.sock';

function settleWhole(line: string, target = HTTP, defaultRatePerSec: number | null = null) {
  const command = new Command('load').argument('[target]');
  addLoadOptions(command);
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);
  command.parse(words, { from: 'user' });
  return settleLoad(target, command.opts<LoadFlags>(), command, defaultRatePerSec);
}

async function settle(line: string, target = HTTP, defaultRatePerSec: number | null = null) {
  return (await settleWhole(line, target, defaultRatePerSec)).choices;
}

const sentBy = (choices: Awaited<ReturnType<typeof settle>>) =>
  new TextDecoder().decode(choices.requests!.arena);

test('nothing said: a closed loop of ten seconds', async () => {
  const choices = await settle('');
  assert.equal(choices.arrival, 'closed');
  assert.equal(choices.ratePerSec, null);
  assert.equal(choices.durationNs, 10e9);
  assert.equal(choices.connectionCount, 50);
  assert.match(sentBy(choices), /^GET \/ HTTP\/1\.1\r\n/);
});

test('a rate makes it Poisson; doctor has one of its own', async () => {
  assert.deepEqual(pick(await settle('--rate 2k')), ['poisson', 2000]);
  assert.deepEqual(pick(await settle('--rate 2k --arrival constant')), ['constant', 2000]);
  assert.deepEqual(pick(await settle('', HTTP, 1000)), ['poisson', 1000]);
  assert.deepEqual(pick(await settle('--arrival closed', HTTP, 1000)), ['closed', null]);
});

const pick = (choices: Awaited<ReturnType<typeof settle>>) => [choices.arrival, choices.ratePerSec];

test('parameters of an arrival process, think time, stages', async () => {
  assert.deepEqual((await settle('-r 5k -a gamma:cv=3')).arrivalParams, { cv: 3 });
  assert.deepEqual((await settle('--think-time 50ms+0-1ms')).thinkTime, { meanNs: 50e6, jitterNs: 1e6 });
  const staged = await settle('--stage 0-2000/10s --stage 2000/30s');
  assert.deepEqual(pick(staged), ['poisson', null]);
  assert.equal(staged.durationNs, 40e9);
  assert.equal(staged.stages!.length, 2);
});

test('a request with method, headers and a body', async () => {
  const text = sentBy(await settle(`-H 'X-Trace: 1' -H 'Accept:text/plain' --body '{"a":1}'`));
  assert.match(text, /^POST \/ HTTP\/1\.1\r\n/);
  assert.match(text, /X-Trace: 1\r\n/);
  assert.match(text, /Accept: text\/plain\r\n/);
  assert.match(text, /\r\n\r\n\{"a":1\}$/);
  assert.match(sentBy(await settle('--method PUT --body x')), /^PUT /);
  const file = join(folder, 'body.bin');
  writeFileSync(file, 'from a file');
  assert.match(sentBy(await settle(`--body-file ${file}`)), /from a file$/);
});

test('a scenario', async () => {
  const file = join(folder, 'mix.json');
  writeFileSync(file, '{"kinds":[{"path":"/a","weight":3},{"path":"/b"}]}');
  const choices = await settle(`--scenario ${file}`);
  assert.deepEqual(choices.requests!.kindNames.length, 2);
  assert.match(sentBy(choices), /GET \/a [\s\S]*GET \/b /);
  await assert.rejects(settle(`--scenario ${file} --body x`), /--body and --scenario contradict/);
});

test('other protocols and their options', async () => {
  assert.equal((await settle('--codec line --body PING', UNIX)).codec, 'line');
  const framed = await settle('--codec frame:width=2 --body hello', 'tcp://127.0.0.1:9000');
  assert.deepEqual([...framed.requests!.arena.subarray(0, 3)], [0, 5, 'h'.charCodeAt(0)]);
});

test('connections', async () => {
  const choices = await settle(
    '-c 10 --pipeline 4 --requests-per-connection 100 --connections-per-sec 50 --connect-timeout 100ms --source 127.0.0.2-3',
  );
  assert.equal(choices.pipelineDepth, 4);
  assert.equal(choices.requestsPerConnection, 100);
  assert.equal(choices.connectionsPerSec, 50);
  assert.equal(choices.connectTimeoutNs, 100e6);
  assert.deepEqual(choices.sourceAddresses, ['127.0.0.2', '127.0.0.3']);
});

test('threads that never sleep are no more than the CPUs', async (t) => {
  const tooMany = availableParallelism() + 1;
  if (tooMany > 64) return t.skip('more CPUs than threads may be asked for');
  assert.equal((await settle('--spin')).spin, true);
  await assert.rejects(settle(`--spin --threads ${tooMany}`), /--spin and --threads \d+ contradict.*CPUs/);
});

test('contradictions name both options and what to type', async () => {
  const cases: [line: string, target: string, message: RegExp, hint: RegExp][] = [
    ['--rate 5 --stage 5/1s', HTTP, /--rate and --stage contradict/, /leave out --rate/],
    ['--duration 5s --stage 5/1s', HTTP, /--duration and --stage contradict/, /leave out --duration/],
    ['--rate 5 --arrival closed', HTTP, /--rate and --arrival closed contradict/, /--arrival poisson/],
    ['--stage 5/1s --arrival closed', HTTP, /--stage and --arrival closed contradict/, /leave out/],
    ['--arrival poisson', HTTP, /--arrival poisson needs --rate/, /--rate 2000/],
    ['--think-time 1ms --rate 5', HTTP, /--think-time and --rate contradict/, /--arrival closed/],
    ['--think-time 1ms --stage 5/1s', HTTP, /--think-time and --stage contradict/, /leave out/],
    ['--body a --body-file b', HTTP, /--body.*--body-file/, /leave/],
    ['--method PUT', UNIX, /--method and --codec frame contradict/, /http:\/\//],
    ["--header 'A: b'", UNIX, /--header and --codec frame contradict/, /http:\/\//],
    ['--codec resp', HTTP, /--codec resp and http:.* contradict/, /tcp:\/\//],
    ['--codec http1', UNIX, /--codec http1 and unix:.* contradict/, /unix\+http:/],
    ['--source 127.0.0.2', UNIX, /--source and unix:.* contradict/, /leave out --source/],
    [
      '--pipeline 8 --requests-per-connection 4',
      HTTP,
      /--pipeline 8 and --requests-per-connection 4/,
      /--pipeline 4/,
    ],
    ['--header nonsense', HTTP, /--header: "nonsense"/, /Accept/],
    ['--body-file /no/such/file', HTTP, /--body-file: .*\/no\/such\/file/, /^/],
    ['--codec htp1', HTTP, /"htp1" is none of/, /write one of them/],
    ['--codec gopher', UNIX, /gopher/, /codec/],
    ['--stage 5', HTTP, /--stage/, /RATE\/TIME/],
  ];
  for (const [line, target, message, hint] of cases) {
    await assert.rejects(settle(line, target), (error) => {
      assert.ok(error instanceof LoopscopeError, `${line}: ${error}`);
      assert.match(error.message, message, line);
      assert.match(error.hint, hint, line);
      assert.equal(error.exitCode, 2, line);
      return true;
    });
  }
});

test('doctor says that its default is what contradicts', async () => {
  await assert.rejects(
    settle('--think-time 1ms', HTTP, 1000),
    /--think-time and --arrival poisson, the default here,/,
  );
});

test('a scenario’s failIf is read as --fail-if is, and refused before the run with the file and what is near', async () => {
  const settleWith = (failIf: unknown, name = 'limits.json') => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify({ kinds: [{ name: 'cart' }, { name: 'shop' }], failIf }));
    return settleWhole(`--scenario ${path}`);
  };
  const texts = async (failIf: unknown) =>
    (await settleWith(failIf)).scenarioThresholds.map(({ text, kind }) => [text, kind]);
  assert.deepEqual(await texts(['p99>20ms', 'cart.errors>1%']), [
    ['p99>20ms', null],
    ['cart.errors>1%', 'cart'],
  ]);
  assert.deepEqual(await texts('self>=WARN'), [['self>=WARN', null]]);
  assert.deepEqual(await texts(undefined), []);
  const refused: [failIf: unknown, message: RegExp, hint: RegExp][] = [
    ['p99>20', /^limits\.json: failIf 'p99>20', at character 5: "20" is not a time/, /a number with ns/],
    [['p99>1s', 'crat.p99>1s'], /failIf 'crat\.p99>1s': there is no kind of request "crat"/, /mean cart\?/],
    ['self.latenes=VOID', /failIf 'self\.latenes=VOID': there is no self-check/, /mean lateness\?/],
    [7, /^limits\.json: failIf: must be text, got 7/, /^/],
  ];
  for (const [failIf, message, hint] of refused) {
    await assert.rejects(settleWith(failIf), (error: LoopscopeError) => {
      assert.match(error.message, message);
      assert.match(error.hint, hint);
      return true;
    });
  }
});

test('so many requests: by themselves, at a rate, within a time', async () => {
  const of = async (line: string) => {
    const { requestLimit, durationNs } = await settle(line);
    return [requestLimit, durationNs];
  };
  assert.deepEqual(await of(''), [null, 10e9]);
  assert.deepEqual(await of('-n 100'), [100, 24 * 3600e9]);
  assert.deepEqual(await of('--requests 1000 --duration 5s'), [1000, 5e9]);
  assert.deepEqual(await of('-n 100 --rate 50'), [100, 2e9]);
  assert.deepEqual(await of('-n 1 --rate 50k'), [1, 1e6]);
  await assert.rejects(
    settle('-n 10000 --rate 1/m'),
    /--requests: 10000 at .* longer than the .* a run may last/,
  );
  await assert.rejects(settle('-n 100 --stage 10/10s'), /--requests and --stage contradict each other/);
  await assert.rejects(settle('-n 0'), /--requests/);
});
