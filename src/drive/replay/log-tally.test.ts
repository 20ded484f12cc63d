// Goal: gaps as they are due and times as logged are those of the requests. Method: any requests, against plain lists.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bucketOf } from '../../record/histogram.ts';
import { timesIn } from '../../record/histogram-text.ts';
import { LogTally } from './log-tally.ts';

const bucketsOf = (text: string | null) => {
  const { buckets, counts } = timesIn(text ?? '');
  return [...buckets].flatMap((bucket, i) => new Array<number>(counts[i]!).fill(bucket));
};
const sorted = (values: number[]) => values.map(bucketOf).sort((a, b) => a - b);

test('any requests in order of time', () => {
  const request = fc.record({
    gapNs: fc.oneof(fc.constant(0), fc.nat(2e9)),
    route: fc.nat(31),
    loggedNs: fc.oneof(fc.constant(-1), fc.nat(2e9)),
  });
  fc.assert(
    fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
      const tally = new LogTally();
      let atNs = 5e9;
      for (const { gapNs, route, loggedNs } of requests) {
        atNs += gapNs;
        tally.take(atNs, route, loggedNs);
      }
      const { askedGaps, logged } = tally.finish();
      assert.deepEqual(bucketsOf(askedGaps), sorted(requests.slice(1).map(({ gapNs }) => gapNs)));
      assert.equal(askedGaps === null, requests.length < 2);
      for (let route = 0; route < 32; route++) {
        const own = requests.filter((each) => each.route === route && each.loggedNs >= 0);
        assert.deepEqual(bucketsOf(logged[route]!), sorted(own.map(({ loggedNs }) => loggedNs)));
        assert.equal(logged[route] === null, own.length === 0);
      }
    }),
  );
});
