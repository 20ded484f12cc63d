// Goal: what a thread is blocked in tells loops from masters, helpers and work. Method: tables of calls and functions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookAtThread, lookOf, lookOfWchan } from './thread-look.ts';
import { WAIT_CALLS } from './wait-calls.ts';

const numberOf = (name: string) => WAIT_CALLS.find((call) => call.name === name)!.number;
const args = (...values: bigint[]) => [...values, ...Array<bigint>(6).fill(0n)].slice(0, 6);

test('an epoll wait names its descriptor', () => {
  const number = numberOf('epoll_pwait');
  assert.deepEqual(lookOf({ number, args: args(14n, 0x7fn, 1024n, 0xffffffffn) }), {
    kind: 'wait',
    call: 'epoll_pwait',
    number,
    epollFd: 14,
  });
});

test('io_uring_enter is a wait only when it asks for completions', () => {
  const number = numberOf('io_uring_enter');
  assert.equal(lookOf({ number, args: args(4n, 0n, 1n, 1n) }).kind, 'wait');
  assert.equal(lookOf({ number, args: args(4n, 8n, 0n, 0n) }).kind, 'blocked');
  assert.equal(lookOf({ number, args: args(4n, 8n, 0n, 1n) }).kind, 'blocked');
});

test('poll may be a wait or a blocking call, and says so', () => {
  for (const name of ['ppoll', 'pselect6'])
    assert.deepEqual(lookOf({ number: numberOf(name), args: args() }), {
      kind: 'poll',
      call: name,
      number: numberOf(name),
    });
});

test('kernel functions of many versions', () => {
  const rows: [string, string][] = [
    ['do_epoll_wait', 'wait'],
    ['ep_poll', 'wait'],
    ['ep_poll.constprop.0', 'wait'],
    ['io_cqring_wait', 'wait'],
    ['read_events', 'wait'],
    ['do_sys_poll', 'poll'],
    ['poll_schedule_timeout.constprop.0', 'poll'],
    ['do_select', 'poll'],
    ['sigsuspend.isra.0', 'never'],
    ['do_wait', 'never'],
    ['futex_do_wait', 'blocked'],
    ['futex_wait_queue_me', 'blocked'],
    ['hrtimer_nanosleep', 'blocked'],
    ['io_schedule', 'blocked'],
  ];
  for (const [wchan, kind] of rows) assert.equal(lookOfWchan(wchan).kind, kind, wchan);
});

test('a thread that does not exist is gone', () => {
  assert.equal(lookAtThread(4194305, 4194305).kind, 'gone');
});
