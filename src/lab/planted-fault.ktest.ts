// Goal: an experiment starts its server, tells the story, judges the verdict by what was planted, and leaves nothing.
// Method: the real server as a child, and a doctor who is told what to say.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LoopscopeError } from '../base/errors.ts';
import type { CulpritId } from '../diagnose/finding.ts';
import type { DoctorOptions } from '../doctor.ts';
import { sampleDiagnosis } from '../report/testing/sample-diagnosis.ts';
import { sampleRun } from '../report/testing/sample-run.ts';
import type { LabContext } from './experiment.ts';
import { type PlantedFaultExperiment, runPlantedFault } from './planted-fault.ts';
import { EXPERIMENTS } from './registry.ts';

const program = [join(import.meta.dirname, '..', '..', 'bin', 'loopscope')];

function labContext(t: TestContext): LabContext & { lines: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-lab-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const lines: string[] = [];
  return {
    program,
    lines,
    print: (line) => lines.push(line),
    showProgress() {},
    endProgress() {},
    status() {},
    quick: true,
    json: false,
    accept: [],
    colour: false,
    columns: 80,
    htmlPath: join(folder, 'report.html'),
    signal: new AbortController().signal,
  };
}

/** An experiment whose doctor says `culprit`, after it has looked at the server with `look`. */
function experiment(
  culprit: CulpritId,
  look: (options: DoctorOptions) => unknown = () => {},
): PlantedFaultExperiment {
  return {
    name: 'demo',
    story: 'one handler computes for 1 ms every 2nd request',
    fault: 'heavy:1ms/2',
    expected: ['loop.heavy-handler'],
    ratePerSec: 10,
    connectionCount: 1,
    durationNs: 1e9,
    async examine(options) {
      await look(options);
      const run = sampleRun();
      const diagnosis = sampleDiagnosis(run);
      return { run, diagnosis: { ...diagnosis, verdict: { ...diagnosis.verdict, culprit } } };
    },
  };
}

function exists(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

test('the right answer: exit 0, an HTML report, and no server left', async (t) => {
  const context = labContext(t);
  let seen: DoctorOptions | undefined;
  const status = await runPlantedFault(
    experiment('loop.heavy-handler', async (options) => {
      seen = options;
      assert.ok(exists(Number(options.process)));
      const body = await new Promise((resolve, reject) => {
        get(options.target!, (reply) => reply.setEncoding('utf8').on('data', resolve)).on('error', reject);
      });
      assert.equal(body, 'hello\n');
    }),
    context,
  );
  assert.equal(status, 0);
  assert.equal(exists(Number(seen!.process)), false);
  assert.match(readFileSync(context.htmlPath!, 'utf8'), /<html/);
  const text = context.lines.join('\n');
  assert.match(text, /heavy:1ms\/2.*said: loop\.heavy-handler\. Correct\./);
  assert.ok(text.includes(`HTML report: ${context.htmlPath}`));
  assert.ok(text.includes(`--pid ${seen!.process}`), 'the command to repeat it');
});

test('another answer: exit 1, and both names', async (t) => {
  const context = labContext(t);
  assert.equal(await runPlantedFault(experiment('cpu.contended'), context), 1);
  assert.match(context.lines.join('\n'), /said: cpu\.contended, not loop\.heavy-handler/);
});

test('another answer on a busy machine: once more, three looks at most', async (t) => {
  const busy = (culprits: CulpritId[]): PlantedFaultExperiment => ({
    ...experiment('healthy'),
    async examine(options) {
      const { run, diagnosis } = await experiment(culprits.shift()!).examine!(options);
      const noise = {
        name: 'host-noise',
        verdict: 'WARN',
        text: 'others took half of it',
        spoils: [],
      } as const;
      const check = { ...noise, value: null, unit: '', limit: null, spoils: [] };
      return { run, diagnosis: { ...diagnosis, self: { ...diagnosis.self, checks: [check] } } };
    },
  });
  const second = labContext(t);
  assert.equal(await runPlantedFault(busy(['cpu.contended', 'loop.heavy-handler']), second), 0);
  assert.match(
    second.lines.join('\n'),
    /said cpu\.contended, on a machine that is busy: others took half of it/,
  );
  const third = labContext(t);
  assert.equal(await runPlantedFault(busy(['cpu.steal', 'cpu.steal', 'cpu.steal']), third), 1);
});

test('a doctor who fails: the error is passed on, and no server is left', async (t) => {
  let pid = 0;
  const failing = experiment('healthy', (options) => {
    pid = Number(options.process);
    throw new Error('no stethoscope');
  });
  await assert.rejects(runPlantedFault(failing, labContext(t)), /no stethoscope/);
  assert.equal(exists(pid), false);
});

test('a server that does not start says why', async (t) => {
  const broken = { ...experiment('healthy'), fault: 'gremlin:1ms/2' };
  await assert.rejects(
    runPlantedFault(broken, labContext(t)),
    (error) => error instanceof LoopscopeError && /did not start.*gremlin/s.test(error.message),
  );
});

test('a report that cannot be written names the option', async (t) => {
  const context = { ...labContext(t), htmlPath: '/no/such/folder/report.html' };
  await assert.rejects(runPlantedFault(experiment('healthy'), context), {
    code: 'RUN_FILE_WRITE',
    hint: /--html/,
  });
});

test('experiments have names that can be typed', () => {
  const names = EXPERIMENTS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z]+(-[a-z]+)*$/);
});
