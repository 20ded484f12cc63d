// Goal: the lists agree with what they replace. Method: seeded changes beside a plain model.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPrng } from '../../../../base/prng.ts';
import { Circle } from './circle.ts';
import { KeyedHeap } from './keyed-heap.ts';
import { hashBytes, hashText } from './mix.ts';

test('a keyed heap gives the lowest key, of equals the lowest tie, after any changes', () => {
  for (let seed = 0; seed < 30; seed++) {
    const prng = createPrng(seed);
    const heap = new KeyedHeap(40);
    const model = new Map<number, { key: number; tie: number }>();
    for (let i = 0; i < 500; i++) {
      const slot = prng.below(40);
      if (prng.next() < 0.3) {
        heap.remove(slot);
        model.delete(slot);
      } else {
        const [key, tie] = [prng.below(10), i];
        heap.set(slot, key, tie);
        model.set(slot, { key, tie });
      }
      const [lowest] = [...model].sort(([, a], [, b]) => a.key - b.key || a.tie - b.tie);
      assert.equal(heap.lowest, lowest?.[0] ?? -1);
      assert.equal(heap.lowestKey, lowest?.[1].key ?? Number.POSITIVE_INFINITY);
      assert.equal(heap.length, model.size);
      assert.equal(heap.has(slot), model.has(slot));
    }
  }
});

test('a circle gives the next point, going round, for few points and many', () => {
  for (const limit of [1, 3, 50, 3000]) {
    const prng = createPrng(limit);
    const circle = new Circle(limit);
    const model = new Map<number, number>();
    const next = (place: number) => {
      const sorted = [...model].sort(([, a], [, b]) => a - b);
      return sorted.find(([, at]) => at >= place) ?? sorted[0];
    };
    assert.equal(circle.after(0), -1);
    for (let i = 0; i < limit * 4; i++) {
      const point = prng.below(limit);
      if (model.has(point)) circle.remove(point);
      else circle.add(point, Math.floor(prng.next() * 2 ** 32));
      if (!model.delete(point)) model.set(point, circle.placeOf(point));
      if (i % Math.ceil(limit / 20) > 0) continue;
      for (const place of [0, 0xffffffff, Math.floor(prng.next() * 2 ** 32), circle.placeOf(point)]) {
        const found = circle.after(place);
        assert.equal(found < 0 ? undefined : circle.placeOf(found), next(place)?.[1], `after ${place}`);
      }
    }
    assert.equal(circle.length, model.size);
  }
});

test('text and its bytes have one hash, and it is the same for ever', () => {
  const bytes = new TextEncoder().encode('x10.0.0.7:80x');
  assert.equal(hashBytes(bytes, 1, bytes.length - 1), hashText('10.0.0.7:80'));
  assert.equal(hashText('10.0.0.7:80'), 147183317);
});
