/**
 * Every failure the user can meet, in one table: a stable code, the exit status it leads to, and what it means.
 * docs/reference/errors.md lists the same rows; a test compares the two.
 */
export const EXIT = { ok: 0, failed: 1, usage: 2, void: 3, unreachable: 4 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const ERROR_CODES = {
  USAGE: { exit: EXIT.usage, meaning: 'an option or argument is missing, unknown or malformed' },
  FILE_UNREADABLE: { exit: EXIT.usage, meaning: 'a file named on the command line cannot be read' },
  NOTHING_TO_SEND: { exit: EXIT.failed, meaning: 'no request of the logs is one that would be sent' },
  RUN_FILE_INVALID: {
    exit: EXIT.usage,
    meaning: 'a run file is truncated, from another version, or not a run file',
  },
  RUN_FILE_WRITE: {
    exit: EXIT.failed,
    meaning: 'the run file or report could not be written (disk full, permissions)',
  },
  ACCOUNTS: {
    exit: EXIT.failed,
    meaning: 'the file of accounts cannot be opened, read or written, or is not one',
  },
  NO_SUCH_PROCESS: { exit: EXIT.unreachable, meaning: 'no process has that pid or name' },
  NO_LOOP_FOUND: {
    exit: EXIT.unreachable,
    meaning: 'the process has no thread that waits like an event loop',
  },
  PROCESS_EXITED: { exit: EXIT.unreachable, meaning: 'the watched process ended before the run did' },
  TARGET_UNREACHABLE: { exit: EXIT.unreachable, meaning: 'not one connection to the target could be opened' },
  PROXY_UNUSABLE: {
    exit: EXIT.unreachable,
    meaning: 'the proxy could not be reached, or let no connection through to the target',
  },
  TARGET_INVALID: {
    exit: EXIT.usage,
    meaning: 'the target is not an http://, tcp://, unix: or unix+http: address',
  },
  PERMISSION: { exit: EXIT.failed, meaning: 'the kernel refused for want of a capability' },
  UNSUPPORTED_PLATFORM: {
    exit: EXIT.usage,
    meaning: 'not Linux on x86-64 or arm64, or Node is older than 26.9',
  },
  SYSCALL: { exit: EXIT.failed, meaning: 'a system call failed where it should not' },
  KERNEL_FEATURE: {
    exit: EXIT.failed,
    meaning: 'the running kernel lacks something this command cannot do without',
  },
  BPF_LOAD: { exit: EXIT.failed, meaning: 'the kernel refused a BPF program' },
  INTERNAL: { exit: EXIT.failed, meaning: 'a broken invariant: a bug in loopscope' },
} as const satisfies Record<string, { exit: ExitCode; meaning: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error meant to be read by a user: what happened, why (detail), and what to type next (hint). */
export class LoopscopeError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  constructor(code: ErrorCode, message: string, hint = '', cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'LoopscopeError';
    this.code = code;
    this.hint = hint;
  }
  get exitCode(): ExitCode {
    return ERROR_CODES[this.code].exit;
  }
}
