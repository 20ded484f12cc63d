/** One stop judged: our frames beside gdb's, address by address and name by name. */
import { createProcessImage } from '../../symbols/process-image.ts';
import { createUserSymbols, type UserSymbols } from '../../symbols/user-symbols.ts';
import { createStackCopy } from '../stack-copy.ts';
import { type UserStack, unwind } from '../unwind.ts';
import { type GdbFrame, registersOf, type Stop } from './gdb-stops.ts';

export type Comparison = { isEqual: boolean; ours: UserStack; text: string; tookMs: number };

/** The first `depth` frames; a shorter stack must be gdb's whole stack. */
export function compareStop(pid: number, stop: Stop, depth: number): Comparison {
  const image = createProcessImage(pid, () => stop.mapsText);
  const symbols = createUserSymbols(pid, image);
  // Maps are parsed, files are read, at the first question.
  image.find(Number(stop.registers[16]!));
  const startMs = performance.now();
  const ours = unwind(image, registersOf(stop), createStackCopy(Number(stop.registers[7]!), stop.stack));
  const tookMs = performance.now() - startMs;
  const count = Math.min(depth, stop.gdbFrames.length);
  let isEqual = ours.frames.length >= count;
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    const [frame, gdb] = [ours.frames[i], stop.gdbFrames[i]!];
    const name = frame ? symbols.locate(frame.address, frame.isReturnAddress).name : null;
    const same = frame !== undefined && isSame(frame.address, name, gdb, symbols);
    isEqual &&= same;
    const left = frame ? `${frame.address.toString(16)} ${name}` : `ended: ${ours.end}`;
    lines.push(`${same ? ' ' : '≠'} ${left} | ${gdb.address.toString(16)} ${gdb.name}`);
  }
  return { isEqual, ours, text: lines.join('\n'), tookMs };
}

/** Addresses equal; names equal where gdb has one, or another name of the same function. */
function isSame(address: bigint, name: string | null, gdb: GdbFrame, symbols: UserSymbols): boolean {
  if (gdb.isSignalFrame) return true;
  if (address !== gdb.address) return false;
  if (gdb.name === null || name === null) return gdb.name === null;
  return plain(gdb.name) === plain(name) || aliasesAt(address, symbols).includes(plain(gdb.name));
}

function plain(name: string): string {
  return name.replace(/\(.*$/, '').replace(/@(?!plt$).*$/, '');
}

/** All names of the function that spans the address. */
function aliasesAt(address: bigint, symbols: UserSymbols): string[] {
  const place = symbols.image.find(Number(address) - 1);
  const table = place?.module?.symbols();
  if (!table) return [];
  const index = table.indexAt(place!.linked);
  const names: string[] = [];
  for (let i = 0; i < table.addresses.length; i++) {
    if (table.addresses[i] === table.addresses[index]) names.push(plain(table.nameOf(i)));
  }
  return names;
}
