import { hostname } from 'node:os';
import { Option } from 'commander';
import { EXIT } from '../../base/errors.ts';
import type { Ns } from '../../base/units.ts';
import { diagnose } from '../../diagnose/diagnose.ts';
import { watch } from '../../doctor.ts';
import type { LiveListener } from '../../record/live.ts';
import type { LoopRecord } from '../../record/observation.ts';
import type { Run } from '../../record/run.ts';
import { jsonLine } from '../../report/json/json.ts';
import { fanOut, listenTo } from '../../report/live/fan-out.ts';
import { evidenceObject, openStallObject, stallObject } from '../../report/live/json-lines.ts';
import { VERSION } from '../../version.ts';
import type { CliCommand } from '../command.ts';
import { addGroup, timeOption } from '../flag-parsers.ts';
import { onInterrupt } from '../interrupt.ts';
import { type MetricsServer, serveMetrics } from '../metrics-server.ts';
import { createOnStall, type OnStall } from '../on-stall.ts';
import {
  addObserveOptions,
  addOutputOptions,
  addStackOptions,
  budgetChoices,
  type ObserveFlags,
  type OutputFlags,
  wantsColour,
} from '../options.ts';
import { checkOutputFlags, keepingRun, present } from '../present.ts';
import { processGone } from '../process-gone.ts';
import { showAsJson, showAsLines, showOnTerminal, type WatchDisplay } from '../show-watch.ts';

/** Where nobody looks on: windows are a good part of what a quiet watch takes, and a long one has enough of them. */
const SHORT_WATCH_NS = 60e9;
const LONG_WINDOW_NS = 1e9;

type WatchFlags = Omit<ObserveFlags, 'pid'> &
  OutputFlags & { duration?: Ns; onStall?: string; prometheus?: string | true };

const SIGINT_STATUS = 130;

export const watchCommand = {
  usage: 'watch <process...>',
  summary: 'look at the loops of running processes, live, without sending them anything',
  configure(command, exit) {
    addGroup(command, 'When:', [
      timeOption('-d, --duration <time>', 'how long to look; by default until Ctrl-C'),
    ]);
    addObserveOptions(command);
    addGroup(command, 'While it goes on:', [
      new Option(
        '--on-stall <command>',
        'run it for a stall, with the evidence as JSON on its standard input',
      ),
      new Option('--prometheus [address]', 'answer GET /metrics there; 127.0.0.1:9435 by default'),
    ]);
    addOutputOptions(command, 'print JSON objects on standard output, one a line, the report last');
    addStackOptions(command);
    command.action(async (subjects: string[], flags: WatchFlags) => exit(await run(subjects, flags)));
  },
} satisfies CliCommand;

async function run(subjects: string[], flags: WatchFlags): Promise<number> {
  checkOutputFlags(flags);
  const isStream = flags.json && !flags.quiet;
  const durationNs = flags.duration ?? Number.POSITIVE_INFINITY;
  const onStall =
    flags.onStall === undefined ? null : createOnStall({ command: flags.onStall, onTrouble: warn });
  await using stack = new AsyncDisposableStack();
  const interrupt = stack.use(onInterrupt());
  if (onStall) stack.defer(() => onStall.close());
  const listeners: LiveListener[] = [];
  const display = stack.use(displayFor(flags, interrupt.signal));
  listeners.push(display.listener);
  if (onStall) listeners.push(evidenceTo(onStall));
  if (flags.prometheus !== undefined) {
    const { server, listener } = await startMetrics(flags.prometheus);
    stack.use(server);
    listeners.push(listener);
    warn(`metrics at ${server.url}`);
  }
  const seen = await watch({
    process: subjects,
    durationNs,
    ...(!process.stdout.isTTY && durationNs > SHORT_WATCH_NS && { windowNs: LONG_WINDOW_NS }),
    tier: flags.tier,
    armed: flags.armed,
    ...budgetChoices(flags),
    command: process.argv.slice(2),
    signal: interrupt.signal,
    ...((!flags.quiet || listeners.length > 1) && { live: fanOut(listeners) }),
  });
  display[Symbol.dispose]();
  await onStall?.close();
  if (onStall) sayCounts(onStall, isStream, seen.observation?.endNs ?? 0);
  const diagnosis = await keepingRun(seen, () => diagnose(seen));
  await present(seen, diagnosis, flags, { asLine: isStream });
  return statusOf(seen, flags, interrupt.exitStatus());
}

/** Ctrl-C is how a watch without a duration ends. */
function statusOf(seen: Run, flags: WatchFlags, interrupted: number | null): number {
  if (interrupted !== null && !(interrupted === SIGINT_STATUS && flags.duration === undefined))
    return interrupted;
  // A service that was started anew is not gone.
  const someLive = seen.observation?.loops.some((loop) => loop.endNs === null) ?? false;
  return (someLive ? null : processGone(seen)) ?? EXIT.ok;
}

function displayFor(flags: WatchFlags, signal: AbortSignal): WatchDisplay {
  if (flags.quiet) return { listener: listenTo({}), [Symbol.dispose]() {} };
  if (flags.json) return showAsJson(writeObject);
  if (process.stdout.isTTY) return showOnTerminal(signal, { colour: wantsColour(flags) });
  return showAsLines((line) => process.stdout.write(line));
}

function writeObject(object: object): void {
  process.stdout.write(jsonLine(object));
}

/** The command runs when a stall is first known of: while it lasts if it is long, else at its end. */
function evidenceTo(onStall: OnStall): LiveListener {
  const loops = new Map<number, LoopRecord>();
  let lastOpen = -1;
  const when: { startedWallMs: number | null; host: string } = { startedWallMs: null, host: hostname() };
  return listenTo({
    onBegin: (startedWallMs) => void Object.assign(when, { startedWallMs }),
    onLoop: (record) => void loops.set(record.loopIndex, record),
    onStall(stall, openIndex) {
      if (openIndex !== null) return;
      onStall.run(evidenceObject(stallObject(stall, null), loops.get(stall.loopIndex), when));
    },
    onOpenStall(open) {
      if (open.openIndex <= lastOpen) return;
      lastOpen = open.openIndex;
      onStall.run(evidenceObject(openStallObject(open), loops.get(open.loopIndex), when));
    },
  });
}

function sayCounts({ counts }: OnStall, isStream: boolean, atNs: number): void {
  if (isStream) writeObject({ type: 'on_stall', at_ns: atNs, ...counts });
  else if (counts.run + counts.skipped > 0) {
    warn(`--on-stall: ran ${counts.run} times, skipped ${counts.skipped}, failed ${counts.failed}`);
  }
}

async function startMetrics(
  address: string | true,
): Promise<{ server: MetricsServer; listener: LiveListener }> {
  const { WatchMetrics } = await import('../../report/prometheus/watch-metrics.ts');
  const metrics = new WatchMetrics(VERSION);
  const server = await serveMetrics(address === true ? '' : address, metrics.registry);
  return { server, listener: metrics };
}

function warn(text: string): void {
  process.stderr.write(`${text}\n`);
}
