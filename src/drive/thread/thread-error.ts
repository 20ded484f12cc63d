/** Errors of a thread of ours, told as everything else is: what happened, why, and what to type next. */
import { type ErrorCode, LoopscopeError } from '../../base/errors.ts';
import { errnoOf } from '../../kernel/errno.ts';
import { syscallError } from '../../kernel/syscall-error.ts';

/** As it crosses from a thread to the main one. */
export type ThreadError = { code: ErrorCode; message: string; hint: string };

/**
 * Whatever was thrown, as an error for the user. A thread needs descriptors, memory and files before it runs a line of
 * ours: what Node throws then names an errno, and that is told as a refusal by the kernel. The rest is a bug of ours.
 */
export function threadError(error: unknown, thread = 'a load thread'): LoopscopeError {
  if (error instanceof LoopscopeError) return error;
  const errno = errnoIn(error);
  if (errno !== 0) return syscallError(`start of ${thread}`, errno);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new LoopscopeError('INTERNAL', `${thread} failed: ${text}`);
}

/** `code` is the errno's name in most errors of Node; of a worker that could not be made, or a module, the message has it. */
function errnoIn(error: unknown): number {
  if (!(error instanceof Error)) return 0;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return errnoOf('ENOMEM');
  if (/too many open files/i.test(error.message)) return errnoOf('EMFILE');
  const name = code === 'ERR_WORKER_INIT_FAILED' ? /\b(E[A-Z0-9]+)$/.exec(error.message)?.[1] : code;
  return name === undefined ? 0 : errnoOf(name);
}
