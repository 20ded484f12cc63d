/**
 * Records stops of the subjects as fixtures, with gdb's frames: one JSON file each beside this one.
 * Run: node src/kernel/unwind/testing/record.ts
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createProcessImage } from '../../symbols/process-image.ts';
import { createStackCopy } from '../stack-copy.ts';
import { unwind } from '../unwind.ts';
import { gdbStops, registersOf, type Stop } from './gdb-stops.ts';
import type { Recording } from './recording.ts';
import { slimElf } from './slim-elf.ts';
import { SUBJECTS } from './subjects.ts';

const STOPS = 8;
/** Enough for the deepest stack of these. */
const STACK_LIMIT_BYTES = 16_384;

for (const subject of SUBJECTS) {
  await using process = await subject.start();
  await delay(500);
  const stops = await gdbStops(process.pid, { count: STOPS, stackBytes: STACK_LIMIT_BYTES });
  // The one with most different functions: a stop in the wait call says little.
  const names = (stop: Stop) => new Set(stop.gdbFrames.map(({ name }) => name)).size;
  const best = stops.sort((a, b) => names(b) - names(a))[0]!;
  const path = join(import.meta.dirname, `${subject.name}.stop.json`);
  writeFileSync(path, `${JSON.stringify(recordingOf(process.pid, best), null, 1)}\n`);
  console.log(path, best.gdbFrames.length, 'frames');
}

function recordingOf(pid: number, stop: Stop): Recording {
  const image = createProcessImage(pid, () => stop.mapsText);
  const stack = createStackCopy(Number(stop.registers[7]!), stop.stack);
  const { frames } = unwind(image, registersOf(stop), stack);
  // No more than is needed: above the frames lie the program's arguments and environment.
  const start = Number(stop.registers[7]!);
  let needed = stop.stack.subarray(0, 0);
  while (
    needed.length < stop.stack.length &&
    unwind(image, registersOf(stop), createStackCopy(start, needed)).frames.length < frames.length
  ) {
    needed = stop.stack.subarray(0, needed.length + 8);
  }
  const linkedByPath = new Map<string, number[]>();
  const modules: Record<string, string> = {};
  for (const frame of frames) {
    const place = image.find(Number(frame.address) - (frame.isReturnAddress ? 1 : 0));
    if (!place?.module) continue;
    const linked = linkedByPath.get(place.entry.path) ?? [];
    linked.push(place.linked);
    linkedByPath.set(place.entry.path, linked);
    const slim = place.module.read((source) => slimElf(source, linked));
    modules[place.entry.path] = slim!.toString('base64');
  }
  const maps = stop.mapsText
    .split('\n')
    .filter((line) => Object.keys(modules).some((path) => line.endsWith(` ${path}`)));
  return {
    registers: stop.registers.map((value) => value.toString(16)),
    stack: Buffer.from(needed).toString('base64'),
    maps: maps.filter((line) => line.includes('r-xp')),
    modules,
    gdb: stop.gdbFrames.map(({ address, name }) => [address.toString(16), name]),
  };
}
