// Goal: EPOLLEXCLUSIVE is told from a plain watch. Method: lines as the kernel writes them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEpollInfo } from './epoll-watches.ts';

const INFO = `pos:	0
flags:	02000002
mnt_id:	15
ino:	1057
tfd:        6 events: 10000019 data:                6  pos:0 ino:1a2b sdev:8
tfd:        9 events:     2019 data:     7f00ffffffff  pos:0 ino:ff sdev:8
tfd:       12 events: 80000019 data:                c  pos:0 ino:100 sdev:8
`;

test('inodes and whether they are watched exclusively', () => {
  assert.deepEqual(
    [...parseEpollInfo(INFO)],
    [
      [0x1a2b, true],
      [0xff, false],
      [0x100, false],
    ],
  );
});

test('an empty epoll set watches nothing', () => {
  assert.deepEqual([...parseEpollInfo('pos:\t0\nflags:\t02\n')], []);
});
