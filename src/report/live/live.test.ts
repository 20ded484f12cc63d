// Goal: the live forms say what was told of, fit every terminal, and let nothing hostile through.
// Method: a listener fed by hand: two workers, a long stall told of while it lasts, one that goes away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { cycleBucketOf } from '../../record/cycle-buckets.ts';
import type { ObserverStatus, OpenStall } from '../../record/live.ts';
import type { BlockedSlice, CycleWindow, LoopRecord, Stall } from '../../record/observation.ts';
import { displayWidth } from '../text/width.ts';
import { causeOf, openCauseOf } from './cause.ts';
import { LiveModel } from './live-model.ts';
import { LiveView } from './live-view.ts';
import { lossPhrase, takenPhrase } from './observer-phrases.ts';
import { secondLine, stallLine } from './plain-lines.ts';

const MS = 1e6;
const ESC = '\u001b';
const STEERS = /[\p{Cc}\u202e]/u;

const STATUS: ObserverStatus = {
  tier: 'bpf',
  level: 'armed',
  budgetNs: 2 * MS,
  ownCpus: 0.0031,
  programCpus: 0.0012,
  cpuBudgetShare: 0.01,
  losses: { ringBufferDrops: 0, mapFullDrops: 0, stallsNotKept: 0, decodeErrors: 0 },
};

function loop(loopIndex: number, more: Partial<LoopRecord> = {}): LoopRecord {
  return {
    loopIndex,
    pid: 4240 + loopIndex,
    tid: 4240 + loopIndex,
    comm: 'nginx',
    commandLine: 'nginx: worker process',
    waitCall: 'epoll_wait',
    cpusAllowed: '0-1',
    nice: 0,
    schedPolicy: 'SCHED_OTHER',
    timerSlackNs: 50_000,
    cgroupPath: '/',
    cpuQuota: null,
    tracerPid: 0,
    startNs: 0,
    endNs: null,
    ...more,
  };
}

function windowAt(loopIndex: number, i: number, more: Partial<CycleWindow> = {}): CycleWindow {
  return {
    loopIndex,
    startNs: i * 250 * MS,
    durationNs: 250 * MS,
    cycleCount: 1000,
    peekCount: 0,
    eventCount: 2500,
    timeoutCount: 0,
    workNs: 100 * MS,
    waitNs: 150 * MS,
    workHistogram: [
      [cycleBucketOf(90_000), 990],
      [cycleBucketOf(900_000), 10],
    ],
    eventHistogram: [],
    overshootHistogram: [],
    wakeHistogram: [],
    acceptCount: 30,
    acceptFirstEagainCount: 10,
    acceptTailEagainCount: 0,
    cpuUserNs: 0,
    cpuSystemNs: 0,
    cpuNs: 90 * MS,
    runDelayNs: 5 * MS,
    voluntarySwitches: 0,
    involuntarySwitches: 0,
    minorFaults: 0,
    majorFaults: 0,
    blockedShare: null,
    ...more,
  };
}

const BLOCK: BlockedSlice = {
  call: 'fsync',
  ns: 22 * MS,
  count: 1,
  fd: 7,
  fdPath: '/var/log/journal.log',
  uninterruptible: true,
  waker: null,
  kernelStack: ['__schedule+0x1', 'ext4_sync_file+0x12'],
};

function stall(loopIndex: number, startNs: number, more: Partial<Stall> = {}, block = BLOCK): Stall {
  return {
    loopIndex,
    kind: 'work',
    startNs,
    wallNs: 23 * MS,
    eventCount: 2,
    peekCount: 0,
    requestedTimeoutNs: null,
    allowedSlackNs: 0,
    cpu: 0,
    detail: 'full',
    account: {
      userNs: 1 * MS,
      system: [],
      irqNs: 0,
      stealNs: 0,
      runQueue: { totalNs: 0, contended: [], idleNs: 0, unknownNs: 0 },
      blocked: [block],
      unexplainedNs: 0,
    },
    minorFaults: 0,
    majorFaults: 0,
    voluntarySwitches: 0,
    involuntarySwitches: 0,
    stacks: [],
    ...more,
  };
}

function open(wallNs: number, more: Partial<OpenStall> = {}): OpenStall {
  return {
    openIndex: 0,
    loopIndex: 0,
    startNs: 1000 * MS,
    wallNs,
    state: 'blocked',
    call: 'read',
    fdPath: 'pipe:[77]',
    kernelStack: ['anon_pipe_read'],
    userStack: ['__read+0x1d (libc.so.6)', 'main+0x21 (app)'],
    userStackAtNs: 1000 * MS,
    stall: stall(0, 1000 * MS, { wallNs }),
    ...more,
  };
}

function watched(): LiveModel {
  const model = new LiveModel();
  model.onLoop(loop(0));
  model.onLoop(loop(1));
  for (let i = 0; i < 8; i++)
    model.onWindows([windowAt(0, i), windowAt(1, i, { cycleCount: 0, workHistogram: [] })], STATUS);
  return model;
}

test('a row has the figures of its last two seconds', () => {
  const row = watched().rows()[0]!;
  assert.equal(Math.round(row.cyclesPerSec!), 4000);
  assert.equal(row.eventsPerWakeUp, 2.5);
  assert.equal(row.busyShare, 0.4);
  assert.equal(row.runDelayShare, 0.02);
  assert.equal(row.herdShare, 0.25);
  assert.equal(Math.round(row.acceptsPerSec!), 120);
  assert.ok(row.workNsP50! > 70_000 && row.workNsP50! < 110_000);
  assert.ok(row.workNsMax! >= 900_000 && row.workNsMax! < 1_300_000);
});

test('a stall told of while it lasts is one entry, and its record takes its place', () => {
  const model = watched();
  model.onOpenStall(open(150 * MS));
  model.onOpenStall(open(400 * MS));
  assert.equal(model.log.length, 1);
  assert.deepEqual([model.log[0]!.kind, model.log[0]!.wallNs], ['open', 400 * MS]);
  assert.ok(model.rows()[0]!.isStuck);
  assert.equal(model.rows()[0]!.busyShare, 1);
  model.onOpenStallEnd({ openIndex: 0, loopIndex: 0, how: 'finished', wallNs: 2000 * MS });
  model.onStall(stall(0, 1000 * MS, { wallNs: 2000 * MS }), 0);
  assert.equal(model.log.length, 1);
  assert.deepEqual([model.log[0]!.kind, model.log[0]!.wallNs], ['work', 2000 * MS]);
  assert.equal(model.stallCount, 1);
  assert.ok(!model.rows()[0]!.isStuck);
});

test('one whose thread ended, or whose record was lost, says so', () => {
  for (const how of ['gone', 'lost'] as const) {
    const model = watched();
    model.onOpenStall(open(150 * MS));
    model.onOpenStallEnd({ openIndex: 0, loopIndex: 0, how, wallNs: 150 * MS });
    assert.equal(model.log[0]!.kind, how);
    assert.match(
      stallLine(model.log[0]!),
      how === 'gone' ? /ended while stuck/ : /record lost, at least 150 ms/,
    );
  }
});

test('who is gone is shown so for a while, and then no more', () => {
  const model = watched();
  model.onLoop(loop(1, { endNs: 2000 * MS }));
  assert.ok(model.rows()[1]!.isGone);
  for (let i = 8; i < 60; i++) model.onWindows([windowAt(0, i)], STATUS);
  assert.deepEqual(
    model.rows().map((row) => row.record.loopIndex),
    [0],
  );
});

test('the cause is the largest part, and the frame that asked for it', () => {
  assert.deepEqual(causeOf(stall(0, 0)), {
    text: 'blocked in fsync (/var/log/journal.log, 1×)',
    frame: 'ext4_sync_file',
  });
  const burning = stall(0, 0, {
    account: { ...stall(0, 0).account, userNs: 20 * MS, blocked: [] },
    stacks: [{ count: 3, inKernel: false, frames: ['burn+0x1f (app)', 'main (app)'] }],
  });
  assert.deepEqual(causeOf(burning), { text: 'its own code, 87 % of it', frame: 'burn (app)' });
  assert.deepEqual(openCauseOf(open(MS)), { text: 'blocked in read (pipe:[77])', frame: 'main (app)' });
  assert.equal(openCauseOf(open(MS, { state: 'runnable' })).text, 'waiting for a CPU');
  assert.equal(openCauseOf(open(MS, { state: 'stopped' })).text, 'stopped by a signal or a tracer');
  assert.equal(openCauseOf(open(MS, { state: 'stopped', call: 'traced' })).text, 'stopped by a tracer');
  assert.equal(openCauseOf(open(MS, { state: 'blocked', call: 'frozen' })).text, 'frozen with its cgroup');
});

test('a wake-up that is late says who has the CPU, or that a quota is out', () => {
  const late = (runQueue: Partial<Stall['account']['runQueue']>) => {
    const account = { ...stall(0, 0).account, userNs: 0, blocked: [] };
    const queue = { totalNs: 23 * MS, contended: [], idleNs: 0, unknownNs: 0, ...runQueue };
    const waiting = stall(0, 0, { kind: 'wait', account: { ...account, runQueue: queue } });
    return openCauseOf(open(23 * MS, { state: 'runnable', call: null, stall: waiting })).text;
  };
  const backup = { pid: 9, comm: 'backup', kernelThread: false, ns: 22 * MS };
  assert.equal(late({ contended: [backup] }), 'waiting for a CPU: backup (pid 9)');
  const quota = 'waiting for a CPU: held back by its quota (throttled)';
  assert.equal(late({ throttledNs: 23 * MS, idleNs: 23 * MS }), quota);
  assert.equal(late({ unknownNs: 23 * MS }), 'waiting for a CPU');
});

test('at 140 columns everything is there', () => {
  const model = watched();
  model.onStall(stall(0, 1500 * MS), null);
  const lines = new LiveView(model, { colour: false }).lines({ columns: 140, rows: 30 });
  const text = lines.join('\n');
  assert.match(text, /^nginx: 2 loops {2}2\.0 s {2}1 stall {2}budget 2\.00 ms/);
  for (const title of [
    'cycles/s',
    'work p50',
    'p99',
    'max',
    'ev/wake',
    'busy',
    'run q',
    'acc/s',
    'herd',
    'stalls',
  ])
    assert.ok(lines[1]!.includes(title), title);
  assert.match(text, /nginx 4240 +4000 .* 2\.50 +40 % +2 % +120 +25 % +1 /);
  assert.match(
    text,
    /1\.50 s +23\.0 ms +nginx 4240 {2}blocked in fsync \(\/var\/log\/journal\.log, 1×\) at ext4_sync_file/,
  );
  assert.match(
    lines.at(-1)!,
    /observer 0\.31 % of one CPU, probes 0\.12 %, of 1 % allowed; nothing lost; armed/,
  );
});

test('it fits every size, with 64 workers and hostile names', () => {
  const model = new LiveModel();
  for (let i = 0; i < 64; i++) model.onLoop(loop(i, { comm: i % 2 ? '\u001b[2J\u0007' : '名前名前名前' }));
  for (let w = 0; w < 4; w++) {
    model.onWindows(
      Array.from({ length: 64 }, (_, i) => windowAt(i, w)),
      STATUS,
    );
  }
  for (let i = 0; i < 80; i++) {
    const path = `${'x'.repeat(300)}\n\u202e\u001b]0;pwned\u0007`;
    model.onStall(stall(i % 64, i * 10 * MS, {}, { ...BLOCK, fdPath: path }), null);
  }
  model.onOpenStall(open(3000 * MS, { loopIndex: 63 }));
  const view = new LiveView(model, { colour: true });
  for (const columns of [1, 8, 20, 40, 60, 80, 100, 120, 200, 400]) {
    for (const rows of [1, 2, 4, 6, 10, 24, 50, 200]) {
      const lines = view.lines({ columns, rows });
      assert.ok(
        lines.length >= 1 && lines.length <= Math.max(1, rows - 1),
        `${columns}×${rows}: ${lines.length} lines`,
      );
      for (const line of lines) {
        const bare = stripVTControlCharacters(line);
        assert.ok(displayWidth(line) < Math.max(2, columns), `${columns}×${rows}: "${bare}"`);
        assert.doesNotMatch(bare, STEERS);
        for (const part of line.split(ESC).slice(1))
          assert.match(part, /^\[\d+m/, 'colours and nothing else');
      }
    }
  }
  const short = view.lines({ columns: 100, rows: 16 });
  assert.match(stripVTControlCharacters(short.join('\n')), /4303/, 'the stuck one is among those shown');
  assert.match(short[1]!, /loop \(\d\d more\)/);
});

test('without colour there is no escape sequence', () => {
  const model = watched();
  model.onOpenStall(open(150 * MS));
  const text = new LiveView(model, { colour: false }).lines({ columns: 100, rows: 24 }).join('\n');
  assert.ok(!text.includes(ESC));
});

test('before the first window the view stands already', () => {
  const lines = new LiveView(new LiveModel(), { colour: false }).lines({ columns: 80, rows: 24 });
  assert.match(lines.join('\n'), /0 loops[\s\S]*looking…/);
});

test('plain lines are ASCII, whole, and one line each', () => {
  const model = watched();
  model.onStall(stall(0, 1500 * MS, {}, { ...BLOCK, fdPath: '/tmp/é\n…' }), null);
  const windows = Array.from({ length: 4 }, (_, i) => windowAt(0, i));
  assert.equal(
    secondLine(1000 * MS, 1, windows, 3),
    '    1.00 s  1 loop  4000 cycles/s  work p50 90.1 us p99 90.1 us max 918 us  busy 40 %  run queue 2 %  3 stalls\n',
  );
  for (const line of [stallLine(model.log[0]!), secondLine(0, 0, [], 0)])
    assert.match(line, /^[\x20-\xff]+\n$/);
  assert.match(stallLine(model.log[0]!), /1\.52 s {2}stall 23\.0 ms {2}nginx 4240 {2}blocked in fsync/);
});

test('the time of day and the host stand beside the seconds, and stalls in order of their beginning', () => {
  const model = watched();
  model.onBegin(Date.UTC(2026, 10, 29, 14, 3, 22));
  model.onStall(stall(0, 1600 * MS), null);
  // A longer one that began before it ends after it.
  model.onStall(stall(1, 1500 * MS, { wallNs: 200 * MS }), null);
  assert.deepEqual(
    model.log.map(({ atNs }) => atNs),
    [1500 * MS, 1600 * MS],
  );
  assert.equal(model.latest!.atNs, 1500 * MS);
  const text = new LiveView(model, { colour: false, host: 'web-1' })
    .lines({ columns: 140, rows: 30 })
    .join('\n');
  assert.match(text, /^nginx: 2 loops {2}2\.0 s {2}\d\d:\d3:24 on web-1 {2}2 stalls/);
  assert.match(text, /\d\d:\d3:23\.500 +200 ms .*\n\d\d:\d3:23\.600 +23\.0 ms/);
  const entry = model.latest!;
  assert.match(
    stallLine(entry, model.wallMsOf(entry.atNs + entry.wallNs)),
    /^2026-11-29T14:03:23\.700Z {5}1\.70 s {2}stall 200 ms/,
  );
});

test('a loop that never sleeps is remarked upon, and whether there was work in its turns', () => {
  const model = new LiveModel();
  model.onLoop(loop(0));
  model.onLoop(loop(1));
  const busy = { workNs: 250 * MS, waitNs: 0, cycleCount: 1250, peekCount: 230_000 };
  for (let i = 0; i < 8; i++) {
    model.onWindows([windowAt(0, i, { ...busy, eventCount: 10 }), windowAt(1, i)], STATUS);
  }
  const shown = () => new LiveView(model, { colour: false }).lines({ columns: 100, rows: 24 }).join('\n');
  assert.match(
    shown(),
    /^! nginx 4240 is busy 100 % of its time: it polls instead of sleeping, 925 k times a second$/m,
  );
  assert.doesNotMatch(shown(), /! nginx 4241/);
  for (let i = 8; i < 24; i++) model.onWindows([windowAt(0, i, { ...busy, eventCount: 231_250 })], STATUS);
  assert.match(shown(), /: more work would have to wait; 925 k turns a second$/m);
  for (let i = 24; i < 40; i++) model.onWindows([windowAt(0, i)], STATUS);
  assert.doesNotMatch(shown(), /^!/m);
});

test('what is lost is said', () => {
  assert.equal(lossPhrase(STATUS.losses), null);
  assert.equal(
    lossPhrase({ ringBufferDrops: 2, mapFullDrops: 1, stallsNotKept: 0, decodeErrors: 0 }),
    'LOST: 2 events, 1 loop for want of room',
  );
  assert.equal(
    takenPhrase({ ...STATUS, programCpus: null, cpuBudgetShare: null }),
    'observer 0.31 % of one CPU',
  );
});
