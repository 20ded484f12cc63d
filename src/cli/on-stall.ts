/**
 * `--on-stall`: runs the user's command with the evidence on its standard input. One at a time and not too often; a
 * stall that finds it busy is counted. It never holds up the watch: nothing here waits.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { LoopscopeError } from '../base/errors.ts';

export type OnStallOptions = {
  command: string;
  /** Between two starts at least so long. */
  everyMs?: number;
  /** A command that takes longer is ended. */
  timeoutMs?: number;
  /** Told of what went wrong with the command; once for each kind. */
  onTrouble: (text: string) => void;
};

export type OnStall = {
  /** Runs it, or counts that it was skipped. */
  run(evidence: object): void;
  readonly counts: { run: number; skipped: number; failed: number };
  /** Ends what still runs: SIGTERM to its group, SIGKILL a moment later. */
  close(): Promise<void>;
};

const EVERY_MS = 1000;
const TIMEOUT_MS = 30_000;
const GRACE_MS = 500;

/**
 * Words as a shell would split them, but nothing else of a shell: quotes and backslashes, no variables, no wildcards, no
 * pipes. Who wants those writes `sh -c '…'`. Throws USAGE.
 */
export function splitCommand(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  for (let i = 0; i < text.length; ) {
    const char = text[i]!;
    if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
      i++;
    } else if (char === "'" || char === '"') {
      const end = closingQuote(text, i, char);
      if (end < 0)
        throw new LoopscopeError('USAGE', `--on-stall: the quote ${char} is not closed in: ${text}`);
      const inner = text.slice(i + 1, end);
      word = (word ?? '') + (char === '"' ? inner.replace(/\\(["\\])/g, '$1') : inner);
      i = end + 1;
    } else {
      const isEscaped = char === '\\' && i + 1 < text.length;
      word = (word ?? '') + (isEscaped ? text[i + 1] : char);
      i += isEscaped ? 2 : 1;
    }
  }
  if (word !== null) words.push(word);
  if (words.length === 0 || words[0] === '') {
    throw new LoopscopeError('USAGE', '--on-stall: no command given', "try --on-stall 'logger -t stall'");
  }
  return words;
}

function closingQuote(text: string, from: number, quote: string): number {
  for (let i = from + 1; i < text.length; i++) {
    if (quote === '"' && text[i] === '\\') i++;
    else if (text[i] === quote) return i;
  }
  return -1;
}

export function createOnStall(options: OnStallOptions): OnStall {
  const [program, ...args] = splitCommand(options.command);
  const everyMs = options.everyMs ?? EVERY_MS;
  const counts = { run: 0, skipped: 0, failed: 0 };
  const told = new Set<string>();
  let child: ChildProcess | null = null;
  let lastMs = Number.NEGATIVE_INFINITY;
  let closed = false;
  // Also on the way out after a second Ctrl-C, when nothing is waited for.
  const leave = () => child && signal(child, 'SIGKILL');
  process.once('exit', leave);

  const trouble = (text: string) => {
    if (told.has(text)) return;
    told.add(text);
    options.onTrouble(`--on-stall: ${text}`);
  };
  const signal = (of: ChildProcess, name: NodeJS.Signals) => {
    if (of.pid === undefined || of.exitCode !== null || of.signalCode !== null) return;
    try {
      // Its whole group: a shell's children too.
      process.kill(-of.pid, name);
    } catch {
      // Gone meanwhile.
    }
  };
  const start = (evidence: object) => {
    counts.run++;
    lastMs = performance.now();
    // Standard output is the watch's own: what the command says goes to standard error.
    const started = spawn(program!, args, { stdio: ['pipe', 2, 2], detached: true });
    child = started;
    const timer = setTimeout(() => {
      trouble(`the command took longer than ${(options.timeoutMs ?? TIMEOUT_MS) / 1000} s and was ended`);
      signal(started, 'SIGKILL');
    }, options.timeoutMs ?? TIMEOUT_MS);
    timer.unref();
    const ended = (why: string | null) => {
      clearTimeout(timer);
      if (child === started) child = null;
      if (why === null || closed) return;
      counts.failed++;
      trouble(why);
    };
    started.once('error', (error) => ended(`${program} could not be started: ${error.message}`));
    started.once('exit', (code, name) =>
      ended(code === 0 ? null : `the command ended with ${name ?? `exit status ${code}`}`),
    );
    // It need not read what it is given.
    started.stdin?.on('error', () => {});
    started.stdin?.end(`${JSON.stringify(evidence)}\n`);
  };

  return {
    counts,
    run(evidence) {
      if (closed) return;
      if (child !== null || performance.now() - lastMs < everyMs) counts.skipped++;
      else start(evidence);
    },
    async close() {
      closed = true;
      process.off('exit', leave);
      const last = child;
      if (last === null) return;
      const ended = new Promise<void>((resolve) => last.once('exit', () => resolve()));
      signal(last, 'SIGTERM');
      const timer = setTimeout(() => signal(last, 'SIGKILL'), GRACE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}
