// Goal: the quota that bites is found on both versions, wherever it is set. Method: fixture texts as a file tree.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyText } from '../../../test/helpers/any-text.ts';
import {
  type CgroupMount,
  cgroupOfProcess,
  describeCgroup,
  findCpuMount,
  parseCpuMax,
  parseThrottling,
  readCgroupCpu,
} from './cgroup.ts';

const tree = (files: Record<string, string>) => (path: string) => files[path] ?? null;
const V1: CgroupMount = { version: 1, root: '/', mountPoint: '/sys/fs/cgroup/cpu' };
const V2: CgroupMount = { version: 2, root: '/', mountPoint: '/sys/fs/cgroup' };

test('mounts: version 1 where it holds the CPU controller, else version 2', () => {
  const v1 = '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct';
  const v2 = '41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw,relatime - cgroup2 cgroup2 rw';
  const cpuset = '34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset';
  assert.deepEqual(findCpuMount(`${v2}\n${cpuset}\n${v1}\n`), {
    version: 1,
    root: '/',
    mountPoint: '/sys/fs/cgroup/cpu,cpuacct',
  });
  assert.deepEqual(findCpuMount(`${cpuset}\n${v2}\n`), {
    version: 2,
    root: '/',
    mountPoint: '/sys/fs/cgroup/uni fied',
  });
  assert.equal(findCpuMount(`${cpuset}\n\nnonsense - \n`), null);
});

test('version 1: own quota', () => {
  const group = describeCgroup(
    '4:memory:/m\n1:cpu,cpuacct:/web:1\n0::/other\n',
    V1,
    tree({
      '/sys/fs/cgroup/cpu/web:1/cpu.cfs_quota_us': '20000\n',
      '/sys/fs/cgroup/cpu/web:1/cpu.cfs_period_us': '100000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
    }),
  );
  assert.equal(group?.path, '/web:1');
  assert.equal(group.quotaCpus, 0.2);
  assert.equal(group.cpuStatPath, '/sys/fs/cgroup/cpu/web:1/cpu.stat');
});

test('version 2: the tightest quota above counts, and all are known', () => {
  const group = describeCgroup(
    '0::/slice/pod/box\n',
    V2,
    tree({
      '/sys/fs/cgroup/slice/cpu.max': '300000 100000\n',
      '/sys/fs/cgroup/slice/pod/cpu.max': '50000 100000\n',
      '/sys/fs/cgroup/slice/pod/box/cpu.max': 'max 100000\n',
    }),
  )!;
  assert.equal(group.quotaCpus, 0.5);
  assert.equal(group.limitPath, '/slice/pod');
  assert.equal(group.cpuStatPath, '/sys/fs/cgroup/slice/pod/cpu.stat');
  assert.deepEqual(
    group.limits.map((limit) => limit.path),
    ['/slice/pod', '/slice'],
  );
});

test('no quota: the own group is watched, if it can be', () => {
  const read = tree({ '/sys/fs/cgroup/a/cpu.stat': 'usage_usec 1\n' });
  assert.equal(describeCgroup('0::/a\n', V2, read)?.cpuStatPath, '/sys/fs/cgroup/a/cpu.stat');
  assert.equal(describeCgroup('0::/a\n', V2, read)?.quotaCpus, null);
  assert.equal(describeCgroup('0::/b\n', V2, read)?.cpuStatPath, null);
  assert.equal(describeCgroup('0::/a (deleted)\n', V2, read)?.cpuStatPath, null);
});

test('in a container: the mount shows a part of the tree', () => {
  const read = tree({
    '/sys/fs/cgroup/in/cpu.max': '1000 10000\n',
    '/sys/fs/cgroup/cpu.max': '20000 10000\n',
  });
  const mount: CgroupMount = { version: 2, root: '/docker/abc', mountPoint: '/sys/fs/cgroup' };
  const group = describeCgroup('0::/docker/abc/in\n', mount, read)!;
  assert.deepEqual(
    group.limits.map((limit) => [limit.path, limit.quotaCpus]),
    [
      ['/docker/abc/in', 0.1],
      ['/docker/abc', 2],
    ],
  );
  // Not below the mount, or above our namespace: nothing is known, and no path is built from it.
  for (const path of ['/docker/abcd', '/elsewhere', '/docker/abc/../../x', '/../../..'])
    assert.equal(describeCgroup(`0::${path}\n`, mount, () => '1000 10000')?.quotaCpus, null, path);
});

test('throttling in ns on both versions', () => {
  assert.deepEqual(parseThrottling('nr_periods 9\nnr_throttled 3\nthrottled_time 1500\nnr_bursts 0\n'), {
    periodCount: 9,
    throttledCount: 3,
    throttledNs: 1500,
  });
  assert.deepEqual(parseThrottling('usage_usec 7\nnr_periods 9\nnr_throttled 3\nthrottled_usec 15\n'), {
    periodCount: 9,
    throttledCount: 3,
    throttledNs: 15_000,
  });
  assert.equal(parseThrottling('usage_usec 7\nuser_usec 3\nsystem_usec 4\n'), null);
  assert.equal(readCgroupCpu('/proc/absent/cpu.stat'), null);
});

test('what is not a quota is none', () => {
  for (const text of ['', 'max 100000', '0 100000', '5', '1 0', 'a b']) assert.equal(parseCpuMax(text), null);
  fc.assert(
    fc.property(anyText(200), (text) => {
      findCpuMount(text);
      parseThrottling(text);
      describeCgroup(text, V1, () => text);
      describeCgroup(`0::/${text}`, V2, () => text);
    }),
  );
});

test('this process has a group, another has none', () => {
  const cache = new Map();
  const own = cgroupOfProcess(process.pid, cache);
  assert.equal(cgroupOfProcess(process.pid, cache), own);
  if (own !== null) assert.ok(own.path.startsWith('/'));
  assert.equal(cgroupOfProcess(4194305), null);
});
