/** bpf(2): one command, with the refusals explained. */
import { LoopscopeError } from '../../base/errors.ts';
import { BPF_ATTR_BYTES } from '../abi/bpf.ts';
import { type Field, type Layout, pack } from '../abi/layout.ts';
import { __NR_bpf } from '../abi/syscall-numbers.ts';
import { ERRNO } from '../errno.ts';
import { describeErrno, offHeap, syscall } from '../libc.ts';

/** Runs a command; the result, or −errno. */
export function bpf<F extends Record<string, Field>>(
  command: number,
  shape: Layout<F>,
  values: { [K in keyof F]?: number | bigint },
): { result: number; attr: Uint8Array } {
  const attr = offHeap(BPF_ATTR_BYTES);
  pack(attr, shape, values);
  return { result: syscall(__NR_bpf, command, attr, BPF_ATTR_BYTES), attr };
}

/** What a refused command most likely means, as an error to show or to keep as a capability's reason. */
export function bpfError(what: string, errno: number, detail = ''): LoopscopeError {
  // The verifier answers EACCES, too, to a program that reads where it may not: then it says so in its log.
  if (errno === ERRNO.EPERM || (errno === ERRNO.EACCES && detail === '')) {
    return new LoopscopeError(
      'PERMISSION',
      `${what}: ${describeErrno(errno)}: this user may not load BPF programs`,
      'run as root, or with CAP_BPF and CAP_PERFMON; --tier proc works without either',
    );
  }
  const cause: Partial<Record<number, string>> = {
    [ERRNO.ENOSYS]: 'this kernel has no bpf(2)',
    [ERRNO.EINVAL]: 'the kernel is too old for it (light skeletons need 5.14, with BTF)',
    [ERRNO.ENOENT]: 'the kernel lacks something the programs name',
    [ERRNO.ENOMEM]: 'memory is short, or RLIMIT_MEMLOCK was met (ulimit -l)',
  };
  const why = cause[errno] ?? 'the kernel refused';
  return new LoopscopeError(
    'BPF_LOAD',
    `${what}: ${describeErrno(errno)}: ${why}${detail && `\n${detail}`}`,
    '--tier proc works without BPF',
  );
}
