// Goal: under 20 000 requests a second nothing is lost when the workers are replaced, by a reload and one by one; and a
// worker that is killed takes with it what it held, and no more. Method: bin/loopscope serve with four workers and
// bin/loopscope load beside it; what the load counts, planned = answered + everything else by name, against what the
// master says of its workers.
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { loopBackends } from '../../src/loop/registry.ts';
import { reportOf, runLoopscope } from '../fixtures/loopscope.ts';
import { until } from '../fixtures/process.ts';
import { type Serving, startServing } from '../fixtures/serve.ts';
import { needs } from '../helpers/needs.ts';

const WORKERS = 4;
const CONNECTIONS = 64;
const RATE_PER_SEC = 20_000;
/** So that connections come and go all the time: they must not be lost between two workers either. */
const COMING_AND_GOING = ['--requests-per-connection', '50', '--source', '127.0.0.2-9'];
/** How the listener is shared, and on which back end. */
const WAYS = [
  { accept: 'exclusive', backend: 'epoll' },
  { accept: 'reuseport', backend: 'ring' },
] as const;

type Row = {
  worker: number;
  pid: number;
  generation: number;
  state: string;
  elapsedNs: number;
  connections: number;
  requests: number;
};

type Summary = { requestCount: number; cutCount: number };

/** All that a master prints, for it is more than the fixture keeps. */
class Printed {
  readonly rows: Row[] = [];
  #last: Record<string, unknown> = {};
  readonly #server: Serving;

  constructor(server: Serving) {
    this.#server = server;
    createInterface({ input: server.process.child.stdout! }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      this.#last = JSON.parse(line) as Record<string, unknown>;
      if (this.#last.worker !== undefined) this.rows.push(this.#last as unknown as Row);
    });
  }

  /** Counters of all workers by now, past ones too. */
  async ask(): Promise<Row[]> {
    const before = this.rows.length;
    process.kill(this.#server.pid, 'SIGUSR1');
    await until('the counters', () => this.rows.length >= before + WORKERS);
    // All are printed at once, and arrive so but for a torn end.
    await delay(20);
    return this.rows.slice(before);
  }

  /** Ends the server in good order; its last word. */
  async end(): Promise<Summary> {
    this.#server.process.child.kill('SIGTERM');
    assert.equal((await this.#server.process.exited).code, 0);
    await until('the summary', () => this.#last.cutCount !== undefined);
    return this.#last as Summary;
  }

  /** Workers that are not what they were serve in all places. */
  async fresh(isFresh: (row: Row) => boolean): Promise<Row[]> {
    return await until(
      'workers in all places',
      async () => {
        const found = running(await this.ask());
        return found.length === WORKERS && found.every(isFresh) ? found : delay(100, null);
      },
      15_000,
    );
  }
}

/** Those that have begun to serve. */
const running = (all: Row[]) => all.filter(({ state, elapsedNs }) => state === 'running' && elapsedNs > 0);

/** Loads the server until `meanwhile` is over and a while longer; what the load counted. */
async function underLoad(
  server: Serving,
  printed: Printed,
  [seconds, ...more]: [seconds: number, ...more: string[]],
  meanwhile: () => Promise<void>,
) {
  const load = [
    ...['--rate', `${RATE_PER_SEC}`, '--connections', `${CONNECTIONS}`, '--timeout', '8s'],
    ...more,
    ...['--duration', `${seconds}s`, '--warmup', '0s'],
  ];
  const result = await runLoopscope(['load', server.target, ...load, '--json', '--quiet'], {
    async started() {
      const answered = async () => (await printed.ask()).reduce((sum, row) => sum + row.requests, 0);
      await until('the load', async () => (await answered()) > RATE_PER_SEC / 10, 10_000);
      await meanwhile();
    },
  });
  const { counts } = reportOf(result).load!;
  const { planned, ok, wrong, error, timeout, unsent, unfinished } = counts;
  assert.equal(ok + wrong + error + timeout + unsent + unfinished, planned, 'each is counted once');
  assert.ok(planned > RATE_PER_SEC * seconds * 0.98, `${planned} planned`);
  return counts;
}

for (const { accept, backend } of WAYS) {
  const on = (title: string, body: (server: Serving, printed: Printed) => Promise<void>) =>
    test(`${accept} on ${backend}: ${title}`, async (t: TestContext) => {
      const { available, reason } = loopBackends.find(({ name }) => name === backend)!.probe();
      if (!needs(t, available, reason ?? '')) return;
      const ways = ['--workers', String(WORKERS), '--accept', accept, '--backend', backend];
      await using server = await startServing('http', '--listen', 'http://127.0.0.1:0', ...ways);
      await body(server, new Printed(server));
    });

  on('a reload, then every worker replaced in turn, and not a request is lost', async (server, printed) => {
    const counts = await underLoad(server, printed, [6, ...COMING_AND_GOING], async () => {
      process.kill(server.pid, 'SIGHUP');
      const second = await printed.fresh(({ generation }) => generation === 2);
      for (const { pid } of second) {
        process.kill(pid, 'SIGTERM');
        await printed.fresh((row) => row.pid !== pid);
      }
    });
    // What a client on a busy machine could not send in time is no doing of the server.
    const { wrong, error, timeout, unfinished } = counts;
    assert.deepEqual({ wrong, error, timeout, unfinished }, NONE, JSON.stringify(counts));
    assert.ok(counts.ok > counts.planned / 2, JSON.stringify(counts));
    const all = await printed.ask();
    assert.ok(
      all.filter(({ state }) => state !== 'running').length >= 2 * WORKERS,
      'all were replaced, twice',
    );
    const summary = await printed.end();
    assert.equal(summary.cutCount, 0);
    assert.equal(summary.requestCount, counts.ok, 'answered once each');
  });

  on('a worker killed takes what it held, and no more', async (server, printed) => {
    let held = 0;
    const counts = await underLoad(server, printed, [3], async () => {
      const [victim] = running(await printed.ask()).sort((a, b) => b.connections - a.connections);
      process.kill(victim!.pid, 'SIGKILL');
      await printed.fresh((row) => row.pid !== victim!.pid);
      held = victim!.connections;
    });
    const { ok, wrong, error, timeout, unsent, planned } = counts;
    assert.deepEqual([wrong, timeout], [0, 0]);
    // One request at a time is under way on a connection.
    assert.ok(error <= held, `${error} lost with ${held} connections: ${JSON.stringify(counts)}`);
    assert.ok(held > 0 && ok >= planned - held - unsent, JSON.stringify(counts));
    assert.equal((await printed.end()).cutCount, held, 'counted');
  });
}

const NONE = { wrong: 0, error: 0, timeout: 0, unfinished: 0 };
