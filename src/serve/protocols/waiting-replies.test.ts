// Goal: what waits leaves whole and in order, and holds no more memory than it may. Method: random additions and a loop
// that takes what it likes, against a plain list of bytes; then each limit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SendMemory } from '../../loop/event-loop.ts';
import type { ReplyLoop } from './protocol.ts';
import { WaitingReplies } from './waiting-replies.ts';

const LIMIT_BYTES = 1 << 20;

/** Takes pieces while its patience lasts, each whole or not at all. */
class ChoosyLoop implements ReplyLoop {
  patience = 0;
  readonly sent: number[] = [];
  allocateSendMemory(byteLength: number): SendMemory {
    return { bytes: new Uint8Array(byteLength), address: 0n };
  }
  send(conn: number, memory: SendMemory, start: number, end: number): boolean {
    return this.sendCopy(conn, memory.bytes, start, end);
  }
  sendCopy(_: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.patience === 0) return false;
    this.patience--;
    this.sent.push(...bytes.subarray(start, end));
    return true;
  }
  pendingSendBytes(): number {
    return 0;
  }
  close(): void {}
  end(): void {}
}

const steps = fc.array(
  fc.record({
    what: fc.constantFrom('copy', 'copy', 'memory', 'offer'),
    amount: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20_000 })),
    patience: fc.nat(4),
  }),
  { maxLength: 60 },
);

test('what waits leaves whole and in order', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const loop = new ChoosyLoop();
      const waiting = new WaitingReplies();
      const source = Uint8Array.from({ length: 30_000 }, (_, i) => (i * 37) % 251);
      const expected: number[] = [];
      for (const [i, { what, amount, patience }] of list.entries()) {
        const from = (i * 7) % 100;
        if (what === 'offer') {
          loop.patience = patience;
          waiting.offer(loop, 0);
        } else if (what === 'copy') {
          if (waiting.addCopy(source, from, from + amount))
            expected.push(...source.subarray(from, from + amount));
        } else {
          const memory = loop.allocateSendMemory(amount);
          memory.bytes.set(source.subarray(from, from + amount));
          if (waiting.addMemory(memory, amount)) expected.push(...memory.bytes);
        }
        assert.equal(loop.sent.length + waiting.unsentBytes, expected.length);
        assert.ok(waiting.heldBytes >= 0 && waiting.heldBytes <= LIMIT_BYTES + 128);
      }
      assert.deepEqual([...loop.sent, ...(waiting.copyRest() ?? [])], expected);
      loop.patience = Number.POSITIVE_INFINITY;
      waiting.offer(loop, 0);
      assert.deepEqual(loop.sent, expected);
      assert.deepEqual([waiting.unsentBytes, waiting.heldBytes], [0, 0]);
    }),
    { numRuns: 200 },
  );
});

test('short replies are bounded by their bytes, long ones by their number, and a refusal adds nothing', () => {
  const copies = new WaitingReplies();
  const bytes = new Uint8Array(1000);
  let count = 0;
  while (copies.addCopy(bytes, 0, bytes.length)) count++;
  assert.equal(count, Math.floor(LIMIT_BYTES / bytes.length));
  assert.equal(copies.unsentBytes, count * bytes.length);
  assert.equal(copies.copyRest()!.length, count * bytes.length);

  const refs = new WaitingReplies();
  const memory = new ChoosyLoop().allocateSendMemory(1 << 20);
  let refCount = 0;
  while (refs.addMemory(memory, memory.bytes.length)) refCount++;
  assert.equal(refCount, LIMIT_BYTES / 128);
  assert.equal(refs.copyRest(), null, 'too much to copy');
});
