// Goal: what workers count reaches the reader whole and once, whenever it looks and whichever worker died. Method: both
// sides of one book in this process, compared with a naive sum.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPrng } from '../../../base/prng.ts';
import { CELL, HEAD, headAt, privateBook } from './book-memory.ts';
import { BookReader } from './book-reader.ts';
import { BookWriter, NO_ROOM } from './book-writer.ts';
import { addUsage, noUsage, type Usage } from './usage.ts';

type Sums = Map<string, Usage>;

function into(sums: Sums) {
  return (user: string, destination: string, more: Readonly<Usage>) => {
    const key = `${user} ${destination}`;
    const sum = sums.get(key) ?? noUsage();
    addUsage(sum, more);
    sums.set(key, sum);
  };
}

test('bytes are seen while the connection lives, and the kernel has the last word', () => {
  const book = privateBook();
  const [writer, reader, sums] = [new BookWriter(book, 8), new BookReader(book), new Map() as Sums];
  const account = writer.opened('alice', 'example.org:443', 0);
  writer.live(account, 100, 2000);
  reader.read(into(sums));
  assert.deepEqual(sums.get('alice example.org:443'), {
    ...noUsage(),
    upBytes: 100,
    downBytes: 2000,
    connections: 1,
  });
  writer.live(account, 150, 2500);
  writer.closed(account, 160, 2400, 3e9);
  reader.read(into(sums));
  assert.deepEqual(sums.get('alice example.org:443'), {
    upBytes: 160,
    downBytes: 2400,
    connections: 1,
    connectionNs: 3e9,
    differingConnections: 1,
    differingBytes: 110,
    cutConnections: 0,
  });
});

test('time is counted while connections are open, not only at their end', () => {
  const book = privateBook();
  const [writer, reader, sums] = [new BookWriter(book, 8), new BookReader(book), new Map() as Sums];
  writer.opened('a', 'x:1', 10);
  const second = writer.opened('a', 'x:1', 20);
  writer.tick(50);
  writer.closed(second, Number.NaN, Number.NaN, 60);
  writer.tick(100);
  reader.read(into(sums));
  assert.equal(sums.get('a x:1')!.connectionNs, 100 - 10 + (60 - 20));
});

test('a worker that dies leaves its counts, and the next one goes on with them', () => {
  const book = privateBook();
  const [reader, sums] = [new BookReader(book), new Map() as Sums];
  const first = new BookWriter(book, 8);
  const account = first.opened('a', 'x:1', 0);
  first.live(account, 10, 20);
  reader.read(into(sums));
  first.live(account, 11, 22);
  const second = new BookWriter(book, 8);
  assert.equal(book.ints[headAt(1) + CELL.open], 0, 'connections of the dead are gone');
  second.live(second.opened('a', 'x:1', 5), 100, 200);
  reader.read(into(sums));
  reader.read(into(sums));
  assert.deepEqual(sums.get('a x:1'), { ...noUsage(), upBytes: 111, downBytes: 222, connections: 2 });
});

test('one that died while it gave a cell away counts nothing twice', () => {
  const book = privateBook();
  const [reader, sums] = [new BookReader(book), new Map() as Sums];
  const first = new BookWriter(book, 8, 2);
  first.closed(first.opened('a', 'x:1', 0), 7, 0, 1);
  reader.read(into(sums));
  // As if it was killed right after it began to give the cell to another.
  Atomics.add(book.ints, headAt(1) + CELL.generation, 1);
  reader.read(into(sums));
  const second = new BookWriter(book, 8, 2);
  reader.read(into(sums));
  second.closed(second.opened('b', 'y:2', 0), 5, 0, 1);
  reader.read(into(sums));
  assert.equal(sums.get('a x:1')!.upBytes, 7);
  assert.equal(sums.get('b y:2')!.upBytes, 5);
  assert.equal(sums.size, 2);
});

test('a cell is given to another only after it was read; without one, counts go to nobody and are told', () => {
  const book = privateBook();
  const [writer, reader, sums] = [new BookWriter(book, 8, 3), new BookReader(book), new Map() as Sums];
  for (const name of ['a', 'b', 'c']) writer.closed(writer.opened(name, 'x:1', 0), 1, 0, 1);
  reader.read(into(sums));
  assert.deepEqual([...sums.keys()].sort(), [`${NO_ROOM} ${NO_ROOM}`, 'a x:1', 'b x:1']);
  writer.closed(writer.opened('c', 'x:1', 0), 1, 0, 1);
  reader.read(into(sums));
  assert.equal(sums.get('c x:1')!.upBytes, 1);
});

test('a book that fills up is read whole', () => {
  const book = privateBook();
  const [writer, reader, sums] = [new BookWriter(book, 8), new BookReader(book), new Map() as Sums];
  for (let i = 1; i <= 1000; i++) {
    writer.closed(writer.opened('a', `x:${i}`, 0), i, 0, 1);
    if (i % 150 === 0) reader.read(into(sums));
  }
  reader.read(into(sums));
  assert.equal(sums.size, 1000);
  for (const [key, { upBytes }] of sums) assert.equal(key, `a x:${upBytes}`);
});

test('names that do not fit are counted as others', () => {
  const book = privateBook();
  const [writer, reader, sums] = [new BookWriter(book, 8), new BookReader(book), new Map() as Sums];
  writer.closed(writer.opened('ü'.repeat(300), 'x:1', 0), 3, 0, 1);
  writer.closed(writer.opened('u'.repeat(255), `${'d'.repeat(253)}:65535`, 0), 4, 0, 1);
  reader.read(into(sums));
  assert.equal(sums.get(`${NO_ROOM} ${NO_ROOM}`)!.upBytes, 3);
  assert.equal(sums.get(`${'u'.repeat(255)} ${'d'.repeat(253)}:65535`)!.upBytes, 4);
});

test('a quota marks every connection of its user, those that come too, and is taken back', () => {
  const book = privateBook();
  const [writer, reader] = [new BookWriter(book, 8), new BookReader(book)];
  const [alice, bob] = [writer.opened('alice', 'x:1', 0), writer.opened('bob', 'x:1', 0)];
  reader.read(() => {});
  reader.mark((user) => user === 'alice');
  assert.deepEqual([writer.isCut(alice), writer.isCut(bob)], [true, false]);
  assert.deepEqual([writer.isUserCut('alice'), writer.isUserCut('bob')], [true, false]);
  assert.equal(writer.isCut(writer.opened('alice', 'y:2', 0)), true);
  reader.read(() => {});
  reader.mark(() => false);
  assert.equal(writer.isUserCut('alice'), false);
});

test('any order of opening, moving, closing, reading and dying ends in the naive sum', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const prng = createPrng(seed);
    const roll = (n: number) => Math.floor(prng.next() * n);
    const book = privateBook();
    const [reader, sums, naive] = [new BookReader(book), new Map() as Sums, new Map<string, number>()];
    let writer = new BookWriter(book, 16, 5);
    let open: { account: number; key: string; up: number }[] = [];
    for (let i = 0; i < 200; i++) {
      const what = roll(10);
      const one = open[roll(open.length)];
      if (what < 3 && open.length < 4) {
        const [user, destination] = [`u${roll(6)}`, `d${roll(3)}`];
        open.push({ account: writer.opened(user, destination, i), key: user, up: 0 });
      } else if (what < 6 && one) {
        const bytes = roll(1000);
        one.up += bytes;
        naive.set('all', (naive.get('all') ?? 0) + bytes);
        writer.live(one.account, one.up, 0);
      } else if (what < 8 && one) {
        writer.closed(one.account, one.up, Number.NaN, i);
        open = open.filter((other) => other !== one);
      } else if (what === 8) reader.read(into(sums));
      else if (roll(5) === 0) {
        writer = new BookWriter(book, 16, 5);
        open = [];
      }
    }
    reader.read(into(sums));
    const total = [...sums.values()].reduce((sum, { upBytes }) => sum + upBytes, 0);
    assert.equal(total, naive.get('all') ?? 0, `seed ${seed}`);
    assert.equal(book.ints[HEAD.passBegun], book.ints[HEAD.passDone]);
  }
});
