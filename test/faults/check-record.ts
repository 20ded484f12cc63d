/** What must hold of a run's record, whatever happened: the books balance to the request, in every place they are kept. */
import assert from 'node:assert/strict';
import { decodeHistogram } from '../../src/record/histogram-text.ts';
import type { LoadRecord, OutcomeCounts } from '../../src/record/load.ts';
import { EXTRA, type FaultCase, isGentleCase } from './cases.ts';
import type { ServerCounts } from './hostile-connection.ts';

const size = (text: string) => decodeHistogram(text).totalCount;
const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

/** Conservation, and that blocks, histograms, kinds and reasons add up to the counts. */
export function assertBooksBalance(record: LoadRecord): void {
  const { counts, blocks, total, measuredFromNs, kinds } = record;
  const { planned, ...outcomes } = counts;
  assert.equal(sum(Object.values(outcomes)), planned, `conservation: ${JSON.stringify(counts)}`);
  for (const key of Object.keys(counts) as (keyof OutcomeCounts)[]) {
    assert.equal(sum(blocks.map((block) => block.counts[key])), counts[key], `${key} of all blocks`);
  }
  const measured = blocks.filter((block) => block.startNs >= measuredFromNs);
  for (const kind of ['response', 'service', 'lateness', 'censored', 'unsent'] as const) {
    assert.equal(
      size(total[kind]),
      sum(measured.map(({ latency }) => size(latency[kind]))),
      `${kind} in all`,
    );
  }
  const all = (kind: 'response' | 'lateness' | 'censored' | 'unsent') =>
    sum(blocks.map(({ latency }) => size(latency[kind])));
  assert.equal(all('response'), counts.ok + counts.wrong, 'a response time for each reply');
  assert.equal(all('censored'), counts.timeout + counts.unfinished, 'an age for each unanswered');
  assert.equal(all('unsent'), counts.unsent, 'an age for each unsent');
  assert.equal(all('lateness'), planned - counts.unsent, 'a lateness for each sent');
  assert.equal(sum(Object.values(record.errorsByKind)), counts.error, 'a reason for each error');
  for (const key of ['ok', 'wrong', 'error', 'timeout', 'unfinished'] as const) {
    const ofMeasured = sum(measured.map((block) => block.counts[key]));
    if (kinds) assert.equal(sum(kinds.map((kind) => kind.counts[key])), ofMeasured, `${key} of all kinds`);
  }
  if (record.stoppedEarly === null) assert.equal(counts.unfinished, 0, 'all had their whole time');
  assertTimesInOrder(record);
}

function assertTimesInOrder(record: LoadRecord): void {
  for (const { plannedNs, sentNs, firstByteNs, doneNs } of record.slowest) {
    const times = [plannedNs, sentNs, firstByteNs, doneNs].filter((atNs) => atNs !== null);
    const inOrder = times.every((atNs, i) => i === 0 || times[i - 1]! <= atNs);
    assert.ok(inOrder, `planned ≤ sent ≤ first byte ≤ done: ${times.join(' ')}`);
  }
}

/** What the other side counted bounds what we say; with a server that only dawdles, it is the same. */
export function assertServerAgrees(each: FaultCase, record: LoadRecord, server: ServerCounts): void {
  const { counts, connections } = record;
  const sent = counts.planned - counts.unsent;
  // What was pipelined behind an announced close may have been read, and is sent a second time.
  const sentInAll = sent + (connections.sentAgain ?? 0);
  const answered = counts.ok + counts.wrong;
  const books = `${JSON.stringify(counts)} late ${connections.lateReplies}, server ${JSON.stringify(server)}`;
  assert.ok(server.requests <= sentInAll, `the server saw more than was sent: ${books}`);
  assert.ok(answered + connections.lateReplies <= server.replies, `more replies than there were: ${books}`);
  if (!each.server.faults.some((fault) => EXTRA.has(fault))) {
    assert.ok(counts.wrong <= server.wrongReplies, `a reply went to another's request: ${books}`);
    assert.ok(answered + connections.lateReplies <= server.requests, `replies without requests: ${books}`);
  }
  assert.ok(record.inFlight.max <= each.connectionCount * each.pipelineDepth, 'in flight at most');
  if (!isGentleCase(each)) return;
  assert.equal(answered, sent, `every request answered: ${books}`);
  assert.equal(server.requests, sent, `every request seen: ${books}`);
  assert.equal(server.replies, answered, `every reply seen: ${books}`);
  assert.equal(counts.wrong, server.wrongReplies, `every wrong reply known: ${books}`);
}
