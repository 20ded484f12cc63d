/** Why a name has no code to probe, and what to type instead. */
import { existsSync, readFileSync } from 'node:fs';
import { LoopscopeError } from '../../../base/errors.ts';
import { printable } from '../../../base/printable.ts';
import type { MappedFile } from './mapped-files.ts';
import { copiesOf, nearNames } from './near-names.ts';
import { fateOf, plainName, symbolTableOf } from './symbol-table.ts';

/** Names that begin with this are the kernel's. */
const KERNEL_PREFIX = 'kernel:';
const KPROBES = '/sys/bus/event_source/devices/kprobe';

/** A function of the kernel, by its prefix or because only the kernel has one of that name; null when it is none. */
export function explainKernelFunction(pattern: string): LoopscopeError | null {
  const asked = pattern.startsWith(KERNEL_PREFIX);
  const name = asked ? pattern.slice(KERNEL_PREFIX.length) : pattern;
  if (!asked && !isKernelFunction(name)) return null;
  const kprobes = existsSync(KPROBES) ? '' : ', and this kernel has no kprobes (CONFIG_KPROBES is off)';
  return new LoopscopeError(
    'KERNEL_FEATURE',
    `${printable(name)} is a function of the kernel: Loopscope traces functions of programs only${kprobes}`,
    `loopscope trace syscalls times the kernel from outside; where it offers fentry, bpftrace -e 'kfunc:${printable(name)} …' does from within`,
  );
}

function isKernelFunction(name: string): boolean {
  if (!/^[A-Za-z_]\w+$/.test(name)) return false;
  try {
    return new RegExp(` [tTwW] ${name}(?:\\s|$)`, 'm').test(readFileSync('/proc/kallsyms', 'latin1'));
  } catch {
    return false;
  }
}

export function explainAbsence(name: string, files: readonly MappedFile[]): LoopscopeError {
  const program = files[0];
  const shown = printable(name);
  if (!program) return new LoopscopeError('USAGE', `${shown}: no file with code to search`);
  const { functions, hasLocals } = symbolTableOf(program.module);
  const names = functions.map(({ symbol }) => symbol);
  const copies = copiesOf(name, names);
  const whole = copies.filter((copy) => /\.(isra|constprop|lto_priv)\b/.test(copy));
  if (copies.length > 0) {
    return new LoopscopeError(
      'USAGE',
      `${shown} has no code of its own in ${program.module.name}: the compiler made ${copies.join(', ')} of it${whole.length > 0 ? '' : ' and inlined the rest'}`,
      `loopscope trace ${(whole.length > 0 ? whole : copies).map((copy) => `'${copy}'`).join(' ')} …`,
    );
  }
  const fates = files.map((file) => ({ file, fate: fateOf(file.module, name) }));
  const inlined = fates.find(({ fate }) => fate === 'inlined');
  if (inlined) {
    return new LoopscopeError(
      'USAGE',
      `${shown} was inlined away in ${inlined.file.module.name}: its debug information knows it, but no code of its own is left to probe`,
      `trace what calls it, or build it with __attribute__((noinline))${suggestion(name, names)}`,
    );
  }
  const ofKernel = explainKernelFunction(name);
  if (ofKernel && nearNames(name, names).length === 0) return ofKernel;
  const searched =
    files.length === 1 ? program.module.name : `${program.module.name} or its ${files.length - 1} libraries`;
  const why = hasLocals
    ? `no function is called ${shown} in ${searched}; what was inlined everywhere has no code to probe`
    : `no function is called ${shown} in ${searched}: ${strippedPhrase(program, functions.length)}`;
  return new LoopscopeError('USAGE', why, hintFor(name, program, names, hasLocals));
}

function strippedPhrase({ module }: MappedFile, count: number): string {
  const id = module.header.buildId;
  const named =
    count === 0 ? 'it exports no function either' : `only the ${count} functions that it exports have names`;
  return `${module.name} is stripped, ${named}${id === null ? '' : `; build-id ${id}`}`;
}

function hintFor(name: string, program: MappedFile, names: string[], hasLocals: boolean): string {
  const near = suggestion(name, names).replace(/^; /, '');
  if (hasLocals) return near || `list them: nm -C ${program.path} | grep -i ${printable(name)}`;
  const debug = `install its debug symbols (Debian: apt install ${program.module.name}-dbgsym from debian-debug, or find-dbgsym-packages ${program.path})`;
  return near === '' ? debug : `${near}; or ${debug}`;
}

function suggestion(name: string, names: string[]): string {
  const near = nearNames(name, [...names, ...names.filter((each) => /^_(Z|R)/.test(each)).map(plainName)]);
  return near.length === 0 ? '' : `; near misses: ${near.map((each) => printable(each)).join(', ')}`;
}
