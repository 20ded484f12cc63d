/**
 * Numbers of tracepoints, from a tracefs of our own. Many machines have none mounted, and mounting one where others see it
 * is not ours to do: fsmount(2) gives a mount that only this descriptor knows, and that goes with it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { offHeap, syscall } from '../libc.ts';
import { closeFd } from '../sockets.ts';
import { bpfError } from './command.ts';

/** Since Linux 5.2; the same on every architecture (include/uapi/asm-generic/unistd.h). */
const __NR_fsopen = 430;
const __NR_fsconfig = 431;
const __NR_fsmount = 432;
const FSCONFIG_CMD_CREATE = 6;

const MOUNTED_AT = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];

export type Tracefs = {
  /** Number of "syscalls/sys_enter_read" and the like; null when this kernel does not have it. */
  tracepointId(name: string): number | null;
  [Symbol.dispose](): void;
};

/** Throws PERMISSION or BPF_LOAD when there is no tracefs to be had. */
export function openTracefs(): Tracefs {
  const mounted = MOUNTED_AT.find((path) => existsSync(`${path}/events/syscalls`));
  const fd = mounted ? -1 : mountPrivately();
  const root = mounted ?? `/proc/self/fd/${fd}`;
  let open = true;
  return {
    tracepointId(name) {
      try {
        return Number(readFileSync(`${root}/events/${name}/id`, 'latin1'));
      } catch {
        return null;
      }
    },
    [Symbol.dispose]() {
      if (open && fd >= 0) closeFd(fd);
      open = false;
    },
  };
}

function mountPrivately(): number {
  const name = offHeap(8);
  name.set(Buffer.from('tracefs\0'));
  const context = syscall(__NR_fsopen, name, 1);
  if (context < 0) throw bpfError('fsopen tracefs', -context);
  try {
    const created = syscall(__NR_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0);
    if (created < 0) throw bpfError('fsconfig tracefs', -created);
    const mount = syscall(__NR_fsmount, context, 1, 0);
    if (mount < 0) throw bpfError('fsmount tracefs', -mount);
    return mount;
  } finally {
    closeFd(context);
  }
}
