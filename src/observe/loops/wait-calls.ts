/**
 * The calls an event loop waits in, and where each keeps its timeout. Numbers: arch/x86/entry/syscalls/syscall_64.tbl,
 * include/uapi/asm-generic/unistd.h (arm64 has no epoll_wait, poll or select: its libc uses the p-forms).
 */
import { perArch } from '../../kernel/abi/layout.ts';

/** Where the timeout is; the numbers are those of enum wait_kind in cycle/timeouts.bpf.h. */
export const WAIT_KIND = {
  millisecondsInArg3: 1,
  millisecondsInArg2: 2,
  timespecInArg3: 3,
  timespecInArg2: 4,
  timespecInArg4: 5,
  timevalInArg4: 6,
  ring: 7,
} as const;

export type WaitCall = { name: string; number: number; kind: number };

const ABSENT = -1;

/** Wait calls of this architecture. */
export const WAIT_CALLS: WaitCall[] = [
  { name: 'epoll_wait', number: perArch({ x64: 232, arm64: ABSENT }), kind: WAIT_KIND.millisecondsInArg3 },
  { name: 'epoll_pwait', number: perArch({ x64: 281, arm64: 22 }), kind: WAIT_KIND.millisecondsInArg3 },
  { name: 'epoll_pwait2', number: 441, kind: WAIT_KIND.timespecInArg3 },
  { name: 'poll', number: perArch({ x64: 7, arm64: ABSENT }), kind: WAIT_KIND.millisecondsInArg2 },
  { name: 'ppoll', number: perArch({ x64: 271, arm64: 73 }), kind: WAIT_KIND.timespecInArg2 },
  { name: 'select', number: perArch({ x64: 23, arm64: ABSENT }), kind: WAIT_KIND.timevalInArg4 },
  { name: 'pselect6', number: perArch({ x64: 270, arm64: 72 }), kind: WAIT_KIND.timespecInArg4 },
  { name: 'io_uring_enter', number: 426, kind: WAIT_KIND.ring },
  { name: 'io_pgetevents', number: perArch({ x64: 333, arm64: 292 }), kind: WAIT_KIND.timespecInArg4 },
].filter((call) => call.number !== ABSENT);

/** The wait call of that number, or null. */
export function waitCallByNumber(number: number): WaitCall | null {
  return WAIT_CALLS.find((call) => call.number === number) ?? null;
}
