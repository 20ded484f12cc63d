/** A driver on a fake loop and a fake clock: what tests of drivers and paces set up. */
import type { Address } from '../../base/address.ts';
import { createPlanSchedule } from '../../plan/arrivals/schedule.ts';
import { ROUTE_LIMIT } from '../../plan/replay/replay-request.ts';
import { encodeRequests, plainRequest } from '../../plan/requests/requests.ts';
import type { LoadBlock, OutcomeCounts } from '../../record/load.ts';
import { frame } from '../../wire/frame/frame.ts';
import { http1 } from '../../wire/http1/http1.ts';
import { OutcomeRecorder } from '../flight/outcome-recorder.ts';
import { PlannedOutgoing } from '../flight/outgoing.ts';
import { LoadCollector } from '../load-collector.ts';
import { ClosedPace } from '../pace/closed-pace.ts';
import { OpenPace } from '../pace/open-pace.ts';
import type { Pace, PaceParts } from '../pace/pace.ts';
import { ReplaySource, type ReplayThreadTally } from '../replay/replay-source.ts';
import type { RingMemory } from '../replay/ring-memory.ts';
import { ConnectionSupply } from '../supply/connection-supply.ts';
import { GapWriter } from '../tally/send-gaps.ts';
import { COUNTER, createThreadMemory, type ThreadMemory } from '../tally/thread-memory.ts';
import { Driver } from '../thread/driver.ts';
import { FakeLoop } from './fake-loop.ts';

export const TIMEOUT_NS: number = 50e6;
export const DURATION_NS: number = 400e6;
const WARMUP_NS = 100e6;
export const START_NS: number = 1e6;
export const CONNECT_TIMEOUT_NS: number = 30e6;
const BODY = Uint8Array.of(1, 2, 3);
export const REPLY: Uint8Array = frame.encodeRequest({ body: BODY });

export const TUNNEL_REQUEST = 'CONNECT host:1 HTTP/1.1\r\n\r\n';

export type Settings = {
  connections?: number;
  ratePerSec?: number | null;
  queueLimit?: number;
  depth?: number;
  thinkNs?: number;
  requestsPerConnection?: number | null;
  requestLimit?: number;
  /** The request says that none follows on its connection. */
  isLast?: boolean;
  asideLimit?: number;
  addresses?: Address[];
  /** How far the clock moves whenever it is read. */
  tickNs?: number;
  /** Frames unless said otherwise. */
  http?: { method: string };
  /** A log instead, written to `ring` by the test. */
  replay?: { ring: RingMemory; isTimed: boolean; waitingLimit: number };
  durationNs?: number;
  /** Each connection is a tunnel through a proxy. */
  tunnel?: boolean;
};

export type Rig = {
  clock: { nowNs: number };
  driver: Driver;
  loop: FakeLoop;
  memory: ThreadMemory;
  recorder: OutcomeRecorder;
  counter: (name: keyof typeof COUNTER) => number;
  /** Null unless a log is replayed. */
  tally: () => ReplayThreadTally | null;
  stop: () => void;
  /** Opens all connections and begins. */
  begin(): void;
  advance(ns: number): void;
  outcome(): { counts: OutcomeCounts; blocks: LoadBlock[] };
};

/** A driver on a fake loop and clock, and what a test does with them. */
export function setUp(given: Settings = {}): Rig {
  const { connections = 4, ratePerSec = 1000, queueLimit = 8, depth = 1 } = given;
  const { thinkNs = 0, requestsPerConnection = null, tickNs = 0 } = given;
  const { requestLimit = Number.POSITIVE_INFINITY } = given;
  const { durationNs = DURATION_NS, replay } = given;
  const memory = createThreadMemory(replay ? ROUTE_LIMIT : 1);
  const asideLimit = given.asideLimit ?? connections;
  const limit = connections + asideLimit + 2;
  const clock = { nowNs: 0 };
  let stopped = false;
  const recorder = new OutcomeRecorder(memory, new GapWriter(memory.gaps, new Float64Array(2)));
  const schedule =
    ratePerSec === null
      ? null
      : createPlanSchedule({
          arrival: 'constant',
          arrivalParams: {},
          ratePerSec,
          durationNs,
          requestLimit: Number.isFinite(requestLimit) ? requestLimit : null,
          stages: null,
          connectionCount: connections,
          seed: 1,
        });
  const codec = given.http || replay ? http1 : frame;
  const requests = encodeRequests(codec, [plainRequest(given.http ?? { body: BODY })]);
  const outgoing = new PlannedOutgoing(
    { ...requests, closes: Uint8Array.of(given.isLast ? 1 : 0) },
    depth,
    0,
    1,
  );
  const source = replay ? new ReplaySource(replay, limit) : null;
  const createPace = (parts: PaceParts): Pace => {
    if (source) return source.createPace(parts);
    if (schedule) return new OpenPace(parts, outgoing, schedule, queueLimit);
    return new ClosedPace(parts, outgoing, thinkNs === 0 ? null : { nextNs: () => thinkNs });
  };
  const driver = new Driver({
    createPace,
    parser: codec.createReplyParser({ connectionLimit: limit }),
    outgoing: source?.outgoing ?? outgoing,
    expectation: source?.expectation ?? null,
    connectionLimit: limit,
    asideLimit,
    depth,
    requestsPerConnection,
    requestLimit,
    timeoutNs: TIMEOUT_NS,
    recorder,
    nowNs: () => (clock.nowNs += tickNs),
    isStopped: () => stopped,
    supply: new ConnectionSupply({
      addresses: given.addresses ?? [{ kind: 'unix', path: '/x' }],
      wanted: connections,
      connectionLimit: limit,
      connectTimeoutNs: CONNECT_TIMEOUT_NS,
      openingsPerSec: null,
      retriesPerSec: 100,
      random: () => 0.999,
      sourceAddresses: [],
      tunnelRequest: given.tunnel ? Buffer.from(TUNNEL_REQUEST) : null,
      counters: memory.counters,
    }),
  });
  const loop = new FakeLoop(driver.handlers, limit);
  loop.requestBytes = requests.arena.length;
  driver.attach(loop);
  const counter = (name: keyof typeof COUNTER) => memory.counters[COUNTER[name]]!;
  return {
    clock,
    driver,
    loop,
    memory,
    recorder,
    counter,
    tally: () => source?.tally() ?? null,
    stop: () => {
      stopped = true;
    },
    begin() {
      loop.turnAt(clock.nowNs);
      while (loop.connecting.length > 0) loop.finishConnect(0);
      recorder.begin(START_NS, START_NS + WARMUP_NS, START_NS + durationNs);
      source?.begin(START_NS + WARMUP_NS);
      driver.start(START_NS, START_NS + durationNs);
      clock.nowNs = START_NS;
      loop.turnAt(clock.nowNs);
    },
    advance(ns: number) {
      clock.nowNs += ns;
      loop.turnAt(clock.nowNs);
    },
    outcome() {
      const collector = new LoadCollector([memory], {
        startNs: START_NS,
        measuredFromNs: START_NS + WARMUP_NS,
        endNs: START_NS + durationNs,
      });
      collector.collect(START_NS + durationNs);
      return { counts: collector.counts(), blocks: collector.blocks() };
    },
  };
}
