// Goal: a process that was made to be dear to look at is watched at a bounded cost, and what was left unnamed is told. Method:
// a C loop that computes on a stack of return addresses through two hundred crafted files, watched as users watch.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { start, until } from '../../../test/fixtures/process.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { upToThreeTimes } from '../../../test/helpers/tries.ts';
import { createClock } from '../../base/clock.ts';
import { writeCraftedElf } from '../../kernel/symbols/testing/crafted-elf.ts';
import { startObservation } from '../observe.ts';
import { compileOnce } from '../testing/compile-once.ts';
import { recordLive } from '../testing/live-recorder.ts';

const FILE_COUNT = 200;
const STALLS_SEEN = 12;
/** Named, a number, or where a copy ended. */
const FRAME = /^(s[01]x*|main|burn\w*|_start|__libc_start\w*|0x[0-9a-f]+)( \([^)]+\))?$|^\[/;
/** Twenty times what the end of a watch may take on an idle machine: the old way took that, and grew with the watch. */
const END_CPU_LIMIT_US = 20e6;

test('a loop on a stack through two hundred crafted files', async (t) => {
  const binary = compileOnce(new URL('../testing/crafted-process.c', import.meta.url));
  if (!needs(t, process.arch === 'x64', 'x86-64')) return;
  if (!needs(t, process.geteuid?.() === 0 && binary !== null, 'root, for BPF, and a C compiler')) return;
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-crafted-'));
  try {
    const craft = { symbolCount: 2, emptyRowCount: 60_000, program: new Uint8Array(50_000) };
    for (let i = 0; i < FILE_COUNT; i++) writeCraftedElf(join(folder, `crafted-${i}`), craft);
    // Which of its stacks are caught is the machine's affair.
    await upToThreeTimes(t, async () => {
      await using crafted = start(binary!, [folder]);
      await until('the files to be mapped', () => crafted.output().includes(`mapped ${FILE_COUNT}`));
      const clock = createClock();
      const live = recordLive(clock);
      using handle = startObservation({
        pids: [crafted.pid],
        clock,
        selfPids: [process.pid],
        armed: 'always',
        budgetNs: 5e6,
        live,
      });
      await until('stalls', () => live.stalls.length >= STALLS_SEEN, 120_000);
      const before = process.cpuUsage();
      const { stalls, losses } = handle.stop();
      const { user, system } = process.cpuUsage(before);
      assert.ok(user + system < END_CPU_LIMIT_US, `${user + system} us of CPU`);
      assert.ok((losses.addressesNotNamed ?? 0) > 0, JSON.stringify(losses));
      const frames = stalls.flatMap((stall) => stall.stacks.flatMap(({ userFrames }) => userFrames ?? []));
      // How many were kept, and which of them the budget still named, is the machine's affair.
      assert.deepEqual(
        frames.filter((frame) => !FRAME.test(frame)),
        [],
      );
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
