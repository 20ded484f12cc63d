/**
 * The experiment that most others are: our own server with one fault planted in it, the doctor on it as on any
 * stranger's server, and the verdict compared with what was planted.
 */
import { EXIT } from '../base/errors.ts';
import { formatNs, NS_PER_S } from '../base/units.ts';
import type { CulpritId, Diagnosis } from '../diagnose/finding.ts';
import { type DoctorOptions, doctor } from '../doctor.ts';
import type { Run } from '../record/run.ts';
import { htmlReporter } from '../report/html/html.ts';
import { terminalReporter } from '../report/terminal/terminal.ts';
import type { LabContext } from './experiment.ts';
import { defaultHtmlPath, writeReport } from './output.ts';
import { startServerProcess } from './server-process.ts';

export type PlantedFaultExperiment = {
  name: string;
  /** What the user is told about the server, for instance "a handler computes for 25 ms every 150th request". */
  story: string;
  fault: string;
  /** Event loop of the server; the best there is when absent. */
  backend?: 'ring' | 'epoll';
  /** Any of these is the right answer. */
  expected: readonly CulpritId[];
  ratePerSec: number;
  connectionCount: number;
  durationNs: number;
  /** Another doctor, for tests. */
  examine?: (options: DoctorOptions) => Promise<{ run: Run; diagnosis: Diagnosis }>;
};

/** Looks at most, while the answer is another and the rest of the machine took part in it. */
const LOOKS_MOST = 3;

/** 0 when the verdict names what was planted, 1 when it does not, 130 when interrupted. */
export async function runPlantedFault(
  experiment: PlantedFaultExperiment,
  context: LabContext,
): Promise<number> {
  const { print } = context;
  const durationNs = context.durationNs ?? experiment.durationNs;
  print(`An HTTP server in which ${experiment.story}, and the doctor, who has not been told.`);
  print('');
  let result: { run: Run; diagnosis: Diagnosis };
  {
    await using server = await startServerProcess({
      program: context.program,
      kind: 'http',
      listen: 'http://127.0.0.1:0/',
      faults: [experiment.fault],
      ...(experiment.backend && { backend: experiment.backend }),
    });
    const backend = experiment.backend ? ` --backend ${experiment.backend}` : '';
    const load = `--rate ${experiment.ratePerSec} --connections ${experiment.connectionCount}`;
    print(
      `  server   loopscope serve http --fault ${experiment.fault}${backend}   (pid ${server.pid}, ${server.target})`,
    );
    print(
      `  doctor   loopscope doctor ${server.target} --pid ${server.pid} ${load} --duration ${durationNs / NS_PER_S}s`,
    );
    print('');
    const look = () =>
      (experiment.examine ?? doctor)({
        target: server.target,
        process: server.pid,
        arrival: 'poisson',
        ratePerSec: experiment.ratePerSec,
        connectionCount: experiment.connectionCount,
        durationNs,
        command: ['lab', experiment.name],
        signal: context.signal,
        onProgress: (progress) => context.showProgress(progress),
      }).finally(() => context.endProgress());
    result = await look();
    for (let i = 1; i < LOOKS_MOST && !context.signal.aborted; i++) {
      const noise = noiseIn(result.diagnosis);
      if (isRight(experiment, result.diagnosis) || noise === null) break;
      print(
        `The doctor said ${result.diagnosis.verdict.culprit}, on a machine that is busy: ${noise}. Once more.`,
      );
      print('');
      result = await look();
    }
  }
  const { run, diagnosis } = result;
  print(terminalReporter.render(run, diagnosis, reportOptions(context)).trimEnd());
  const htmlPath = context.htmlPath ?? defaultHtmlPath(experiment.name);
  writeReport(htmlPath, htmlReporter.render(run, diagnosis, reportOptions(context)));
  print('');
  print(`HTML report: ${htmlPath}`);
  if (context.signal.aborted) {
    print(`Interrupted after ${formatNs(measuredNs(run))}: too early to judge the verdict.`);
    return 130;
  }
  return judge(experiment, run, diagnosis, print);
}

function isRight({ expected }: PlantedFaultExperiment, { verdict }: Diagnosis): boolean {
  return expected.includes(verdict.culprit);
}

/** What others on the machine did to the run, or null when it was not worth a word. */
function noiseIn({ self }: Diagnosis): string | null {
  const check = self.checks.find(({ name }) => name === 'host-noise');
  return check && (check.verdict === 'WARN' || check.verdict === 'VOID') ? check.text : null;
}

function judge(
  experiment: PlantedFaultExperiment,
  run: Run,
  diagnosis: Diagnosis,
  print: (line: string) => void,
): number {
  const named = diagnosis.verdict.culprit;
  if (isRight(experiment, diagnosis)) {
    print(`Planted: ${experiment.fault}. The doctor said: ${named}. Correct.`);
    return EXIT.ok;
  }
  print(`Planted: ${experiment.fault}. The doctor said: ${named}, not ${experiment.expected.join(' or ')}.`);
  if (diagnosis.contributors.some(({ culprit }) => experiment.expected.includes(culprit))) {
    print('What was planted is among the contributors: something else on this machine cost the server more.');
  }
  if (run.observation?.tier === 'proc') {
    print(
      'Without privileges single turns of the loop are not visible: try again as root, or with CAP_BPF and CAP_PERFMON.',
    );
  }
  return EXIT.failed;
}

function reportOptions(context: LabContext) {
  return { colour: context.colour, columns: context.columns, runFile: null };
}

function measuredNs(run: Run): number {
  return run.load ? run.load.endNs - run.load.startNs : 0;
}
