// Goal: user stacks of distribution binaries are those gdb sees. Method: gdb stops each program many times at random
// moments of varied work; the unwinder gets the registers and the stack of the very same stops. Needs gdb, nginx,
// redis-server, python3. STOPS=70 asks each for that many.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { needs } from '../../../test/helpers/needs.ts';
import { compareStop } from './testing/compare.ts';
import { gdbPath, gdbStops } from './testing/gdb-stops.ts';
import { SUBJECTS } from './testing/subjects.ts';

const STOPS = Number(process.env.STOPS ?? 20);
const DEPTH = 5;
const WANTED_SHARE = 0.95;

for (const { name, isPresent, start } of SUBJECTS) {
  test(`the top frames of ${name} are gdb's`, async (t) => {
    if (!needs(t, process.arch === 'x64', 'x86-64')) return;
    if (!needs(t, gdbPath !== null && isPresent, `gdb and ${name}`)) return;
    await using subject = await start();
    await delay(300);
    const stops = await gdbStops(subject.pid, { count: STOPS });
    assert.ok(stops.length >= STOPS * 0.9, `${stops.length} of ${STOPS} stops`);
    const results = stops.map((stop) => compareStop(subject.pid, stop, DEPTH));
    const equal = results.filter(({ isEqual }) => isEqual);
    const whole = results.filter(({ ours }) => ours.end === 'start of the thread');
    const places = new Set(stops.map(({ registers }) => registers[16]));
    const frames = results.reduce((sum, { ours }) => sum + ours.frames.length, 0);
    const times = results.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
    const median = times[times.length >> 1]!;
    t.diagnostic(
      `${equal.length} of ${stops.length} equal in the top ${DEPTH}, ${whole.length} whole, ${places.size} places, ` +
        `${(frames / stops.length).toFixed(1)} frames, median ${median.toFixed(3)} ms, longest ${times.at(-1)!.toFixed(2)} ms`,
    );
    for (const { isEqual, text } of results) if (!isEqual) t.diagnostic(text);
    assert.ok(equal.length >= stops.length * WANTED_SHARE, `${equal.length} of ${stops.length} equal`);
  });
}
