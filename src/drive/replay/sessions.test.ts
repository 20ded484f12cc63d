// Goal: the table of clients stays within its bound, forgets only who is idle, and mixes up nobody. Method: random
// traffic beside a map.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Sessions } from './sessions.ts';

const LIMIT = 12;
const SLOTS = 8;

test('clients keep their connection and their order, and who is quiet longest is forgotten', () => {
  // Hashes that fall into the same chains, and into others.
  const hash = fc.constantFrom(...Array.from({ length: 40 }, (_, i) => (i * 0x10000001) >>> 0));
  fc.assert(
    fc.property(fc.array(fc.record({ hash, isEnd: fc.boolean() }), { maxLength: 200 }), (steps) => {
      const sessions = new Sessions(LIMIT, SLOTS);
      /** Client → slots held, the first of them under way. */
      const held = new Map<number, number[]>();
      const free = Array.from({ length: SLOTS }, (_, slot) => slot);
      const lastUse = new Map<number, number>();
      steps.forEach(({ hash: client, isEnd }, time) => {
        const conn = client | 0;
        const slots = held.get(client) ?? [];
        if (isEnd && slots.length > 0) {
          const entry = sessions.of(client);
          free.push(slots.shift()!);
          assert.equal(sessions.next(entry), slots[0] ?? -1);
          lastUse.set(client, time);
          if (slots.length === 0) held.delete(client);
        } else if (!isEnd && free.length > 0) {
          const entry = sessions.of(client);
          assert.equal(sessions.isActive(entry), slots.length > 0);
          const slot = free.pop()!;
          if (slots.length === 0) {
            const known = sessions.lastConn[entry]!;
            assert.ok(known === -1 || known === conn, 'no other client’s connection');
            const others = [...lastUse].filter(([other]) => other !== client && !held.has(other));
            const isRecent =
              lastUse.has(client) &&
              others.filter(([, use]) => use > lastUse.get(client)!).length < LIMIT - SLOTS;
            if (isRecent) assert.equal(known, conn, 'remembered');
            sessions.begin(entry);
            sessions.lastConn[entry] = conn;
          } else sessions.enqueue(entry, slot);
          slots.push(slot);
          held.set(client, slots);
        }
      });
    }),
  );
});
