// Goal: the copy path's rules (R1 to R4), each by itself. Method: a loop of our own that only keeps queues.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlowTable, LAST_WORDS, NONE } from './flow-table.ts';
import { GO_ON_BYTES, Relay, STALL_BYTES } from './relay.ts';

const CLIENT = 0;
const UPSTREAM = 1;
const PIECE = new Uint8Array(65_536);

function flow() {
  const table = new FlowTable(4);
  const said: string[] = [];
  const pending = new Float64Array(4);
  let isFull = false;
  const loop = {
    sendCopy(conn: number, _: Uint8Array, start: number, end: number) {
      if (isFull) return false;
      pending[conn] = pending[conn]! + end - start;
      return true;
    },
    pendingSendBytes: (conn: number) => pending[conn]!,
    setReceiving: (conn: number, on: boolean) => void said.push(`${on ? 'receive' : 'stop'} ${conn}`),
    askRoom: (conn: number, bytes: number) => void said.push(`ask ${conn} ${bytes}`),
    shutdown: (conn: number) => void said.push(`end ${conn}`),
    close: (conn: number) => void said.push(`close ${conn}`),
    reset: (conn: number) => void said.push(`reset ${conn}`),
  };
  const relay = new Relay({
    loop,
    table,
    onClosing: (client, how) => void said.push(`closing ${client} ${how}`),
    onOver: (client, how) => void said.push(`over ${client} ${how}`),
    onLastWords: (conn) => void said.push(`said ${conn}`),
  });
  table.openClient(CLIENT, 0, 0);
  table.openAttempt(UPSTREAM, CLIENT, 0);
  relay.start(CLIENT, UPSTREAM, 0);
  relay.receive(CLIENT);
  assert.deepEqual(said.splice(0), ['receive 0', 'receive 1']);
  const data = (conn: number) => relay.data(conn, PIECE, 0, PIECE.length, 1);
  return { table, said, pending, relay, data, fill: () => (isFull = true) };
}

test('a side that does not take its bytes stops the other, until half of them are gone', () => {
  const { said, pending, relay, data } = flow();
  while (said.length === 0) data(CLIENT);
  assert.equal(pending[UPSTREAM], STALL_BYTES + PIECE.length);
  assert.deepEqual(said.splice(0), ['stop 0', `ask 1 ${GO_ON_BYTES}`]);
  data(CLIENT); // What was under way.
  assert.deepEqual(said.splice(0), []);
  pending[UPSTREAM] = GO_ON_BYTES;
  relay.room(UPSTREAM);
  assert.deepEqual(said, ['receive 0']);
});

test('an end is passed on, and the flow is over at the second when all is sent', () => {
  const { table, said, pending, relay, data } = flow();
  data(UPSTREAM);
  relay.ended(UPSTREAM);
  assert.deepEqual(said.splice(0), ['end 0']);
  data(CLIENT);
  relay.ended(CLIENT);
  assert.deepEqual(said.splice(0), ['ask 0 0', 'ask 1 0']);
  pending.fill(0);
  relay.room(CLIENT);
  assert.deepEqual(said, ['closing 0 ended', 'close 0', 'close 1', 'over 0 ended']);
  assert.deepEqual([table.state[CLIENT], table.state[UPSTREAM]], [NONE, NONE]);
  assert.deepEqual([...table.totalBytes], [PIECE.length, PIECE.length]);
});

test('an error is passed on as a reset: at once, or when what came before it is sent', () => {
  const first = flow();
  first.relay.failed(UPSTREAM);
  assert.deepEqual(first.said, ['closing 0 reset', 'reset 0', 'over 0 reset']);
  const { table, said, pending, relay, data } = flow();
  data(UPSTREAM);
  relay.failed(UPSTREAM);
  assert.deepEqual(said.splice(0), ['closing 0 reset', 'over 0 reset', 'stop 0', 'ask 0 0']);
  assert.equal(table.state[CLIENT], LAST_WORDS);
  pending.fill(0);
  relay.room(CLIENT);
  assert.deepEqual(said, ['said 0', 'reset 0']);
  assert.equal(table.state[CLIENT], NONE);
});

test('bytes that find no place cut the flow: none is passed over', () => {
  const { said, data, fill } = flow();
  fill();
  data(CLIENT);
  assert.deepEqual(said, ['closing 0 reset', 'reset 0', 'reset 1', 'over 0 reset']);
});
