// Goal: the send queues lose, repeat and reorder nothing. Method: random operations against a plain list of bytes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SendArea } from '../kernel/send-area.ts';
import { SEND_QUEUE_DEPTH } from './event-loop.ts';
import { SendQueues } from './send-queue.ts';

const CONNECTIONS = 3;

/** All queued bytes of a connection, as the kernel would be given them. */
function queuedBytes(queues: SendQueues, conn: number): number[] {
  const bytes: number[] = [];
  for (let nth = 0; nth < queues.count[conn]!; nth++) {
    const piece = queues.piece(conn, nth);
    for (const byte of queues.area(piece).bytes.subarray(queues.start(piece), queues.end(piece))) {
      bytes.push(byte);
    }
  }
  return bytes;
}

type Step = { conn: number; kind: 'copy' | 'area' | 'advance' | 'lock' | 'clear'; amount: number };

const steps = fc.array(
  fc.record<Step>({
    conn: fc.nat(CONNECTIONS - 1),
    kind: fc.constantFrom('copy', 'copy', 'copy', 'area', 'advance', 'advance', 'lock', 'clear'),
    amount: fc.oneof(fc.nat(10), fc.nat(300), fc.nat(9000)),
  }),
  { maxLength: 80 },
);

test('queues behave as lists of bytes', () => {
  fc.assert(
    fc.property(steps, (operations) => {
      const queues = new SendQueues(CONNECTIONS);
      const expected = Array.from({ length: CONNECTIONS }, () => [] as number[]);
      const source = Uint8Array.from({ length: 20_000 }, (_, i) => (i * 31) % 256);
      const area = new SendArea(10_000);
      area.bytes.set(source.subarray(5, 10_005));
      for (const [index, { conn, kind, amount }] of operations.entries()) {
        const model = expected[conn]!;
        const start = index % 100;
        if (kind === 'copy') {
          const countBefore = queues.count[conn]!;
          if (queues.pushCopy(conn, source, start, start + amount)) {
            model.push(...source.subarray(start, start + amount));
          } else {
            assert.equal(queues.count[conn], countBefore);
          }
        } else if (kind === 'area' && amount > 0) {
          if (queues.push(conn, area, start, start + amount)) {
            model.push(...area.bytes.subarray(start, start + amount));
          } else {
            assert.equal(queues.count[conn], SEND_QUEUE_DEPTH);
          }
        } else if (kind === 'advance') {
          const byteCount = Math.min(amount, model.length);
          queues.advance(conn, byteCount);
          model.splice(0, byteCount);
        } else if (kind === 'lock') {
          queues.lockedCount[conn] = queues.count[conn]!;
        } else if (kind === 'clear') {
          queues.clear(conn);
          model.length = 0;
        }
        assert.equal(queues.pendingBytes[conn], model.length);
      }
      for (let conn = 0; conn < CONNECTIONS; conn++) {
        assert.deepEqual(queuedBytes(queues, conn), expected[conn]);
      }
    }),
    { numRuns: 60 },
  );
});

test('a locked piece is not extended: the kernel was given its length', () => {
  const queues = new SendQueues(1);
  const bytes = Uint8Array.of(1, 2, 3);
  queues.pushCopy(0, bytes, 0, 3);
  queues.pushCopy(0, bytes, 0, 3);
  assert.equal(queues.count[0], 1, 'small pieces are joined');
  queues.lockedCount[0] = 1;
  queues.pushCopy(0, bytes, 0, 3);
  assert.equal(queues.count[0], 2);
  assert.equal(queues.end(queues.piece(0, 0)) - queues.start(queues.piece(0, 0)), 6);
});

test('a copy that does not fit is refused whole', () => {
  const queues = new SendQueues(1);
  const large = new Uint8Array(4096 * SEND_QUEUE_DEPTH);
  assert.equal(queues.pushCopy(0, large, 0, 100), true);
  assert.equal(queues.pushCopy(0, large, 0, large.length), false);
  assert.equal(queues.pendingBytes[0], 100);
  assert.equal(queues.pushCopy(0, large, 0, large.length - 100), true);
  assert.equal(queues.pushCopy(0, large, 0, 1), false);
});

test('blocks come back: far more bytes than the pool holds go through', () => {
  const queues = new SendQueues(1);
  const bytes = new Uint8Array(100_000);
  for (let i = 0; i < 1000; i++) {
    assert.equal(queues.pushCopy(0, bytes, 0, bytes.length), true);
    queues.advance(0, bytes.length);
  }
  assert.equal(queues.count[0], 0);
});
