import { Option } from 'commander';
import { EXIT, LoopscopeError } from '../../base/errors.ts';
import { nearMiss } from '../../base/input/near-miss.ts';
import type { Ns } from '../../base/units.ts';
import type { Trace } from '../../record/trace.ts';
import { traceHtmlReporter } from '../../report/trace/trace-html.ts';
import { traceJsonReporter } from '../../report/trace/trace-json.ts';
import { traceTerminalReporter } from '../../report/trace/trace-terminal.ts';
import { type TraceRequest, trace } from '../../trace.ts';
import type { CliCommand } from '../command.ts';
import { addGroup, listOption, timeOption } from '../flag-parsers.ts';
import { onInterrupt } from '../interrupt.ts';
import { DEFAULT_DURATION_NS } from '../load-options.ts';
import { addQuietOptions, wantsColour } from '../options.ts';
import { checkOutputs, writeWhole } from '../outputs.ts';

type Flags = {
  pid?: string;
  binary?: string;
  follow: boolean;
  duration: Ns;
  histogram: string[];
  json: boolean;
  html?: string;
  quiet: boolean;
  color: boolean;
};

export const traceCommand = {
  usage: 'trace <what...>',
  summary:
    'system calls (syscalls PROCESS), scheduling (sched PROCESS), or the latency of functions (FUNCTION… --pid)',
  configure(command, exit) {
    addGroup(command, 'What:', [
      new Option('-p, --pid <process>', 'pid, name or :port; what it starts is traced too'),
      new Option('--binary <file>', 'functions of this file; without --pid, in every process that runs it'),
      new Option('--no-follow', 'only the process itself, not those it starts'),
      timeOption('-d, --duration <time>', 'how long; Ctrl-C ends it earlier', DEFAULT_DURATION_NS),
    ]);
    addGroup(command, 'Output:', [
      listOption('--histogram <name>', 'call or function to draw; by default what took most; repeatable'),
      new Option('--json', 'print one JSON object on standard output').default(false),
      new Option('--html <file>', 'write a self-contained page with the histograms'),
    ]);
    addQuietOptions(command);
    command.addHelpText('after', EXAMPLES);
    command.action(async (words: string[], flags: Flags) => {
      const request = requestOf(words, flags);
      if (flags.html !== undefined) checkOutputs([{ option: '--html', path: flags.html }]);
      using interrupt = onInterrupt();
      const result = await trace({
        ...request,
        follow: flags.follow,
        durationNs: flags.duration,
        signal: interrupt.signal,
        onStart: () => announce(request, flags),
      });
      present(result, flags);
      exit(interrupt.exitStatus() ?? statusOf(result));
    });
  },
} satisfies CliCommand;

const EXAMPLES = `
Examples:
  loopscope trace syscalls nginx                     what strace -c prints, without stopping anything
  loopscope trace sched :8080 --duration 30s         who ran instead of it
  loopscope trace ngx_event_expire_timers -p nginx   how long a function takes
  loopscope trace 'ngx_http_*_handler' libc:writev -p nginx`;

/** The first word is one of ours, or the name of a function. Throws USAGE. */
export function requestOf(words: readonly string[], flags: Pick<Flags, 'pid' | 'binary'>): TraceRequest {
  const [first, ...rest] = words;
  const { pid, binary } = flags;
  if (first !== 'syscalls' && first !== 'sched') {
    if (pid === undefined && binary === undefined) refuseMisspelt(first, rest);
    return {
      what: 'functions',
      functions: words,
      ...(pid !== undefined && { process: pid }),
      ...(binary !== undefined && { binary }),
    };
  }
  if (binary !== undefined) {
    throw new LoopscopeError(
      'USAGE',
      `--binary: trace ${first} is about processes`,
      `try loopscope trace ${first} nginx`,
    );
  }
  if (rest.length > 1 || (rest.length === 1 && pid !== undefined)) {
    throw new LoopscopeError(
      'USAGE',
      `trace ${first} takes one process: ${[...rest, ...(pid === undefined ? [] : [pid])].join(', ')}`,
      `try loopscope trace ${first} ${rest[0]}`,
    );
  }
  const subject = pid ?? rest[0];
  return { what: first, ...(subject !== undefined && { process: subject }) };
}

/** Without a process no function can be meant. */
function refuseMisspelt(first: string | undefined, rest: readonly string[]): void {
  const near = first === undefined ? null : nearMiss(first, ['syscalls', 'sched']);
  if (near === null) return;
  const hint = `did you mean trace ${[near, ...rest].join(' ')}?`;
  throw new LoopscopeError('USAGE', `no process to look for a function called ${first} in`, hint);
}

/** On a terminal a silent command looks like a hung one. */
function announce(request: TraceRequest, flags: Flags): void {
  if (flags.quiet || process.stderr.isTTY !== true) return;
  const what = request.what === 'functions' ? request.functions!.join(' ') : request.what;
  process.stderr.write(
    `tracing ${what} of ${request.process ?? request.binary} for ${flags.duration / 1e9} s; Ctrl-C ends it\n`,
  );
}

function present(result: Trace, flags: Flags): void {
  const options = {
    colour: wantsColour(flags),
    columns: process.stdout.isTTY ? process.stdout.columns : null,
    histogramsOf: flags.histogram,
  };
  const { html } = flags;
  if (html !== undefined) writeWhole({ option: '--html', path: html }, traceHtmlReporter.render(result));
  process.stdout.write((flags.json ? traceJsonReporter : traceTerminalReporter).render(result, options));
}

/** As with watch: the report covers what came before, and the status says that it is not all. */
function statusOf(result: Trace): number {
  if (result.endedEarly === null) return EXIT.ok;
  process.stderr.write(`loopscope: ${result.endedEarly}; the report covers what came before\n`);
  return EXIT.unreachable;
}
