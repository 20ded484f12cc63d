/** A log that grows while a replay follows it: lines at a rate, each with its number, through rotation and cuts. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReportObject } from '../../src/report/json/report-object.ts';
import { reportOf, runLoopscope } from '../fixtures/loopscope.ts';
import { startNginx } from '../fixtures/nginx.ts';
import { until } from '../fixtures/process.ts';

const STEP_MS = 10;
/** From opening the log to having found its end. */
const SETTLE_MS = 700;
/** From the last line to its reply, at most. */
const DRAIN_MS = 10_000;

export type Interruption = 'rename' | 'copytruncate' | 'truncate';

class GrowingLog {
  readonly path: string;
  #count = 0;

  constructor(folder: string) {
    this.path = join(folder, 'access.log');
    writeFileSync(this.path, `${this.#line()}\n`);
  }

  /** Lines written so far. */
  get count(): number {
    return this.#count;
  }

  /** Writes for so long at a rate; after equal parts of it, one interruption after another. */
  async write(
    ratePerSec: number,
    seconds: number,
    interruptions: readonly Interruption[],
    untilSent: (nth: number) => Promise<void>,
  ): Promise<void> {
    const before = this.#count;
    const begunMs = performance.now();
    let pausedMs = 0;
    for (const [part, interruption] of [...interruptions, null].entries()) {
      const partEndMs = (seconds * 1e3 * (part + 1)) / (interruptions.length + 1);
      for (;;) {
        const nowMs = Math.min(performance.now() - begunMs - pausedMs, partEndMs);
        this.#append(Math.floor((nowMs / 1e3) * ratePerSec) - (this.#count - before));
        if (nowMs === partEndMs) break;
        await delay(STEP_MS);
      }
      const fromMs = performance.now();
      if (interruption !== null) await this.#interrupt(interruption, untilSent);
      pausedMs += performance.now() - fromMs;
    }
  }

  async #interrupt(how: Interruption, untilSent: (nth: number) => Promise<void>): Promise<void> {
    if (how === 'rename') {
      renameSync(this.path, `${this.path}.1`);
      // A worker that has not opened the new one yet.
      appendFileSync(`${this.path}.1`, `${this.#line()}\n`);
      writeFileSync(this.path, '');
      return;
    }
    await untilSent(this.#count - 1);
    if (how === 'copytruncate') copyFileSync(this.path, `${this.path}.2`);
    truncateSync(this.path, 0);
  }

  #append(count: number): void {
    let text = '';
    for (let i = 0; i < count; i++) text += `${this.#line()}\n`;
    if (text !== '') appendFileSync(this.path, text);
  }

  #line(): string {
    const now = Date.now();
    const stamp = new Date(now).toISOString().replace('Z', '+00:00');
    const nth = this.#count++;
    return `{"time":"${stamp}","method":"GET","path":"/n/${nth}","status":200,"client":"10.0.${nth & 255}.7","port":${nth % 997}}`;
  }
}

const LOG_FIELDS = 'time=time,method=method,path=path,status=status,client=client,port=port';

export type Followed = {
  /** Numbers of the lines that were sent, in the order in which the target's log has them. */
  received: number[];
  /** Lines written in all, the first before anybody read. */
  writtenCount: number;
  report: ReportObject;
};

/** Has a replay follow a log that is written at a rate, and ends it with Ctrl-C once all of it should have gone out. */
export async function followLog(
  folder: string,
  ratePerSec: number,
  seconds: number,
  interruptions: readonly Interruption[],
): Promise<Followed> {
  const log = new GrowingLog(folder);
  const targetLog = join(folder, 'target.log');
  await using server = await startNginx({
    http: "log_format path '$request_uri';",
    server: `access_log ${targetLog} path buffer=64k flush=200ms;`,
  });
  const args = ['replay', '--follow', log.path, '--fields', LOG_FIELDS, '--target', server.url];
  const result = await runLoopscope([...args, '-c', '100', '--json'], {
    timeoutMs: 120_000,
    async started({ pid, child }) {
      await until('the replay to have the log open', () => hasOpen(pid, log.path));
      await delay(SETTLE_MS);
      // Of a file that is cut, what nobody has read is gone.
      const untilSent = (nth: number) => untilLogged(targetLog, `/n/${nth}\n`);
      await log.write(ratePerSec, seconds, interruptions, untilSent);
      await untilSent(log.count - 1);
      child.kill('SIGINT');
    },
  });
  // It writes its log to the end.
  await server.process.stop();
  const received = readFileSync(targetLog, 'utf8').match(/(?<=^\/n\/)\d+$/gm) ?? [];
  return { received: received.map(Number), writtenCount: log.count, report: reportOf(result) };
}

/** Waits, but not for ever: what is missing is for the test to tell. */
async function untilLogged(path: string, last: string): Promise<void> {
  const tail = Buffer.alloc(last.length);
  const fd = openSync(path, 'r');
  const isThere = () => {
    readSync(fd, tail, 0, tail.length, Math.max(0, fstatSync(fd).size - tail.length));
    return tail.toString() === last;
  };
  await until('the last line at the target', isThere, DRAIN_MS).catch(() => {});
  closeSync(fd);
}

function hasOpen(pid: number, path: string): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === path;
    } catch {
      return false;
    }
  });
}

/** Every line that was written since it began to read was read and due once, and the report's figures are those. */
export function assertWhole({ received, writtenCount, report }: Followed): void {
  const { counts, replay } = report.load!;
  const { log, schedule } = replay!;
  assert.deepEqual([log.lines, log.requests, log.unaccounted], [writtenCount - 1, writtenCount - 1, 0]);
  assert.deepEqual([counts.planned, counts.ok], [log.requests, received.length]);
  assert.equal(new Set(received).size, received.length, 'none came twice');
  assert.equal(writtenCount - 1 - received.length, counts.unsent, 'what did not come is counted');
  const { follow } = schedule;
  assert.ok(follow!.delay_ns! > 0, `${follow!.delay_ns}`);
}
