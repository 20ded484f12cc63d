// Goal: accounts hear of every byte of a flow once, however it ends, and are asked for the kernel's count while there is
// still a socket to ask. Method: a flow table by hand; accounts that note what they are told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Accounts } from '../accounts/accounts.ts';
import { FlowAccounts } from './flow-accounts.ts';
import { FlowTable, LAST_WORDS, NO_PEER, RELAYING, UPSTREAM } from './flow-table.ts';

const [CLIENT, SERVER, ACCOUNT] = [2, 3, 7];

function rig(isCut = false) {
  const told: string[] = [];
  const accounts = {
    opened: () => ACCOUNT,
    live: (account, up, down) => {
      told.push(`live ${account} ${up} ${down}`);
      return !isCut;
    },
    settle: (account, fd, read, head, isReset) => {
      told.push(`settle ${account} of socket ${fd}, ${read} read, ${head} before${isReset ? ', reset' : ''}`);
    },
    closed: (account, up, down) => void told.push(`closed ${account} ${up} ${down}`),
    mayOpen: () => true,
    flush() {},
    [Symbol.dispose]() {},
  } satisfies Accounts;
  const table = new FlowTable(8);
  table.openClient(CLIENT, 0, 0);
  table.openAttempt(SERVER, CLIENT, 0);
  table.state[CLIENT] = RELAYING;
  table.state[SERVER] = UPSTREAM;
  table.peer[CLIENT] = SERVER;
  table.account[CLIENT] = ACCOUNT;
  table.headerBytes[CLIENT] = 28;
  table.fromBytes[CLIENT] = 100;
  table.fromBytes[SERVER] = 2000;
  const flows = new FlowAccounts(accounts, table, { socketOf: (conn) => conn + 1000 });
  return { flows, table, told };
}

test('an orderly end: asked before the socket is closed, then closed', () => {
  const { flows, table, told } = rig();
  flows.closing(CLIENT, 'ended');
  flows.over(CLIENT, NO_PEER);
  assert.deepEqual(told, ['settle 7 of socket 1003, 2000 read, 28 before', 'closed 7 100 2000']);
  assert.equal(table.account[CLIENT], -1);
  flows.closing(CLIENT, 'ended');
  flows.over(CLIENT, NO_PEER);
  flows.closeAll();
  assert.equal(told.length, 2, 'once');
});

test('while the upstream has last words to hear its account stays open', () => {
  const { flows, table, told } = rig();
  flows.over(CLIENT, SERVER);
  table.close(CLIENT);
  table.close(SERVER);
  table.state[SERVER] = LAST_WORDS;
  assert.deepEqual(told, ['live 7 100 2000']);
  // The client's slot is another's by now.
  table.openClient(CLIENT, 0, 0);
  table.fromBytes[CLIENT] = 5;
  flows.lastWords(SERVER, 'reset');
  flows.lastWords(SERVER, 'reset');
  assert.deepEqual(told.slice(1), [
    'settle 7 of socket 1003, 2000 read, 28 before, reset',
    'closed 7 100 2000',
  ]);
});

test('a client that has last words to hear is no reason to wait: the upstream is gone', () => {
  const { flows, told } = rig();
  flows.closing(CLIENT, 'reset');
  flows.over(CLIENT, CLIENT);
  assert.deepEqual(told, ['settle 7 of socket 1003, 2000 read, 28 before, reset', 'closed 7 100 2000']);
});

test('at our own end everything is closed', () => {
  const { flows, table, told } = rig();
  flows.closeAll();
  assert.deepEqual(told, ['settle 7 of socket 1003, 2000 read, 28 before', 'closed 7 100 2000']);
  table.account[SERVER] = 4;
  table.state[SERVER] = LAST_WORDS;
  flows.closeAll();
  assert.match(told[3]!, /^closed 4/);
});

test('live tells whether it may go on, and is silent for a flow without an account', () => {
  assert.equal(rig().flows.live(CLIENT), true);
  assert.equal(rig(true).flows.live(CLIENT), false);
  const { flows, table, told } = rig(true);
  table.account[CLIENT] = -1;
  assert.equal(flows.live(CLIENT), true);
  assert.deepEqual(told, []);
});
