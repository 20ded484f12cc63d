// Goal: host counters are read from the right columns, and absent ones are null. Method: fixture texts, then this host.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyText } from '../../../test/helpers/any-text.ts';
import { parseCpuStat, readCpuStat } from './cpu-times.ts';
import { parseDiskstats, readDiskstats, wholeDisks } from './diskstats.ts';
import { parseNetStat, readNetStat } from './netstat.ts';
import { parseVmstat, readVmstat } from './vmstat.ts';

test('CPU times, with a CPU offline', () => {
  const text = `cpu  9 9 9 9 9 9 9 9 9 9
cpu0 1 2 3 4 5 6 7 8 0 0
cpu2 10 20 30 40 50 60 70 80 0 0
intr 1 2 3
ctxt 321
btime 1
procs_running 4
procs_blocked 0
`;
  const stat = parseCpuStat(text)!;
  assert.deepEqual(
    stat.cpus.map((times) => times.cpu),
    [0, 2],
  );
  assert.deepEqual(stat.cpus[1], {
    cpu: 2,
    userNs: 100e6,
    niceNs: 200e6,
    systemNs: 300e6,
    idleNs: 400e6,
    iowaitNs: 500e6,
    irqNs: 600e6,
    softirqNs: 700e6,
    stealNs: 800e6,
  });
  assert.deepEqual([stat.contextSwitches, stat.procsRunning], [321, 4]);
  for (const broken of ['', 'cpu 1', text.replace('ctxt', 'x')]) assert.equal(parseCpuStat(broken), null);
  assert.ok(readCpuStat()!.cpus.length > 0);
});

test('vmstat: the zones are added up', () => {
  assert.deepEqual(
    parseVmstat(
      'nr_dirty 12\nallocstall_dma 1\nallocstall_normal 20\nallocstall_movable 300\npgmajfault 7\n',
    ),
    { dirtyPages: 12, allocStalls: 321, majorFaults: 7 },
  );
  assert.deepEqual(parseVmstat('nr_dirty_threshold 5\n'), {
    dirtyPages: null,
    allocStalls: null,
    majorFaults: null,
  });
  assert.equal(typeof readVmstat()!.majorFaults, 'number');
});

test('netstat: fields are found by name', () => {
  const netstat =
    'TcpExt: SyncookiesSent ListenDrops ListenOverflows TCPSynRetrans\nTcpExt: 1 22 333 4\nIpExt: A\nIpExt: 1\n';
  const snmp = 'Ip: Forwarding\nIp: 1\nTcp: RtoAlgorithm MaxConn RetransSegs\nTcp: 1 -1 44\n';
  const sockstat = 'sockets: used 16\nTCP: inuse 1 orphan 0 tw 5 alloc 1 mem 197\n';
  assert.deepEqual(parseNetStat(netstat, snmp, sockstat), {
    listenDrops: 22,
    listenOverflows: 333,
    requestQueueFullDrops: null,
    synRetransmits: 4,
    retransSegs: 44,
    timeWaitSockets: 5,
  });
  const none = {
    listenDrops: null,
    listenOverflows: null,
    requestQueueFullDrops: null,
    synRetransmits: null,
    retransSegs: null,
    timeWaitSockets: null,
  };
  assert.deepEqual(parseNetStat(null, null, null), none);
  assert.deepEqual(parseNetStat('TcpExt: ListenDrops\n', 'Tcp: x', ''), none);
  assert.equal(typeof readNetStat(process.pid).listenOverflows, 'number');
});

test('diskstats: only the disks asked for', () => {
  const text = `   7       0 loop0 9 9 9 9 9 9 9 9 9 9 9
 254       0 vda 120309 11836 2000 213845 12786 40475 3000 14365 0 13984 228862 5512 51 135776 606 1192 45
 254       1 vda1 1 1 1 1 1 1 1 1 0 1 1
 259       0 nvme0n1 1 0 8 0 1 0 16 0 0 16 1
`;
  assert.deepEqual(parseDiskstats(text, new Set(['vda', 'nvme0n1'])), {
    readBytes: 2008 * 512,
    writeBytes: 3016 * 512,
    busyNs: 14_000e6,
  });
  assert.equal(parseDiskstats(text, new Set(['sda'])), null);
  assert.equal(parseDiskstats('', new Set(['vda'])), null);
  const disks = wholeDisks();
  assert.equal(readDiskstats(disks) === null, disks.size === 0);
});

test('a device that lies on another is not counted again', () => {
  const root = mkdtempSync(join(tmpdir(), 'loopscope-blocks-'));
  try {
    for (const name of ['sda', 'nvme0n1', 'nvme0c0n1', 'loop0', 'zram0', 'dm-0', 'cciss!c0d0', 'bcache0'])
      mkdirSync(join(root, name, 'slaves'), { recursive: true });
    mkdirSync(join(root, 'bcache0', 'slaves', 'sda'));
    assert.deepEqual([...wholeDisks(root)].sort(), ['cciss/c0d0', 'nvme0n1', 'sda']);
    assert.equal(wholeDisks(join(root, 'absent')).size, 0);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('no text makes a parser throw', () => {
  fc.assert(
    fc.property(anyText(200), (text) => {
      parseCpuStat(text);
      parseVmstat(text);
      parseNetStat(text, text, text);
      parseDiskstats(text, new Set(['vda']));
    }),
  );
});
