// Goal: what is scraped of a proxy is what Prometheus takes, and counters only grow. Method: figures by hand, their text
// read by a strict parser of the exposition format.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ProxyFigures, ProxyMetrics } from './proxy-metrics.ts';
import { parseExposition } from './testing/parse-exposition.ts';

const FIGURES: ProxyFigures = {
  acceptCount: 10,
  flowCount: 9,
  clientCount: 3,
  wrongCount: 0,
  refusedCount: 1,
  unreachedCount: 0,
  timedOutCount: 0,
  resetCount: 2,
  upBytes: 1000,
  downBytes: 2000,
  rules: new Map([['web', { allowed: 8, refused: 1, wouldRefuse: 2 }]]),
  upstreams: { up: 2, down: 1, unknown: 0, draining: 0 },
  checks: { begun: 12, failed: 3 },
  accounts: {
    users: new Map([
      ['alice', { upBytes: 600, downBytes: 1200, connections: 5, cutConnections: 1 }],
      ['b"o\\b\n', { upBytes: 400, downBytes: 800, connections: 4, cutConnections: 0 }],
    ]),
    waitingRows: 2,
    writtenBatches: 7,
    failedWrites: 0,
    cutUsers: 1,
  },
};

test('names, types and figures', async () => {
  const families = parseExposition(await new ProxyMetrics('1.2.3', () => FIGURES).metrics());
  assert.ok(families.size >= 14, [...families.keys()].join(' '));
  for (const [name, family] of families) {
    assert.match(name, /^loopscope_[a-z_]+$/);
    assert.equal(name.endsWith('_total'), family.type === 'counter', name);
  }
  const bytes = families.get('loopscope_proxy_user_bytes_total')!.samples;
  assert.deepEqual(
    bytes.map(({ labels, value }) => [labels.user, labels.direction, value]),
    [
      ['alice', 'up', 600],
      ['alice', 'down', 1200],
      ['b"o\\b·', 'up', 400],
      ['b"o\\b·', 'down', 800],
    ],
  );
  const decisions = families.get('loopscope_proxy_rule_decisions_total')!.samples;
  assert.deepEqual(
    decisions.map(({ labels, value }) => [labels.rule, labels.outcome, value]),
    [
      ['web', 'allowed', 8],
      ['web', 'refused', 1],
      ['web', 'would_refuse', 2],
    ],
  );
  const upstreams = families.get('loopscope_proxy_upstreams')!.samples;
  assert.deepEqual(upstreams.map(({ labels, value }) => `${labels.state} ${value}`).sort(), [
    'down 1',
    'draining 0',
    'unknown 0',
    'up 2',
  ]);
  assert.equal(families.get('loopscope_proxy_check_failures_total')!.samples[0]!.value, 3);
  assert.equal(families.get('loopscope_proxy_clients')!.samples[0]!.value, 3);
});

test('a counter never goes back, though what it tells of may: a correction, a row that was dropped', async () => {
  let upBytes = 1000;
  const metrics = new ProxyMetrics('1.2.3', () => ({ ...FIGURES, upBytes }));
  const told = async () =>
    parseExposition(await metrics.metrics())
      .get('loopscope_proxy_bytes_total')!
      .samples.find(({ labels }) => labels.direction === 'up')!.value;
  const values = [await told()];
  for (upBytes of [900, 1000, 1100]) values.push(await told());
  assert.deepEqual(values, [1000, 1000, 1000, 1100]);
});

test('without accounts no user is named', async () => {
  const text = await new ProxyMetrics('1.2.3', () => ({ ...FIGURES, accounts: null })).metrics();
  assert.doesNotMatch(text, /user|accounts|quota/);
});
