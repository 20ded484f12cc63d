/**
 * The CPU quota a process runs under, on cgroup version 1 and 2. A quota anywhere above a group throttles it too, and
 * only the group that has the quota counts the throttling, so all groups up to the root are looked at.
 * Documentation/scheduler/sched-bwc.rst, Documentation/admin-guide/cgroup-v2.rst, cgroups(7)
 */
import { readProcText } from './read-text.ts';

export type CpuLimit = {
  /** Path of the group as /proc/PID/cgroup names it. */
  path: string;
  /** Its share in CPUs: 0.5 is 50 ms of each 100 ms. */
  quotaCpus: number;
  cpuStatPath: string;
};

export type ProcessCgroup = {
  /** Of the hierarchy that has the CPU controller. */
  path: string;
  /** Where the tightest quota is counted; without a quota the process's own group, as one may be set later. */
  cpuStatPath: string | null;
  /** The group that `cpuStatPath` belongs to. */
  limitPath: string;
  /** The tightest quota, null when there is none (or none can be read). */
  quotaCpus: number | null;
  /** Every quota it is under, from the inside outwards: an outer one, shared with others, may be what bites. */
  limits: CpuLimit[];
};

/** Since the group was made. Shaped like record's CgroupCpuSample but for the path. */
export type CgroupThrottling = { periodCount: number; throttledCount: number; throttledNs: number };

/** Where a hierarchy is mounted: `root` is the group that the mount point shows. */
export type CgroupMount = { version: 1 | 2; root: string; mountPoint: string };

type ReadText = (path: string) => string | null;

let ownMount: CgroupMount | null | undefined;

/**
 * Null when the process vanished or is hidden, or no CPU hierarchy is mounted. Processes of one group share the answer
 * through `cache`, so that many workers cost little.
 */
export function cgroupOfProcess(
  pid: number,
  cache?: Map<string, ProcessCgroup | null>,
): ProcessCgroup | null {
  if (ownMount === undefined) ownMount = findCpuMount(readProcText('/proc/self/mountinfo') ?? '');
  const text = readProcText(`/proc/${pid}/cgroup`);
  if (text === null || ownMount === null) return null;
  const known = cache?.get(text);
  if (known !== undefined) return known;
  const cgroup = describeCgroup(text, ownMount, readProcText);
  cache?.set(text, cgroup);
  return cgroup;
}

/** Throttling so far. Null when the group is gone, or has no CPU controller (version 2 then has no such lines). */
export function readCgroupCpu(cpuStatPath: string): CgroupThrottling | null {
  const text = readProcText(cpuStatPath);
  return text === null ? null : parseThrottling(text);
}

/** Version 1 counts ns in throttled_time, version 2 µs in throttled_usec. */
export function parseThrottling(text: string): CgroupThrottling | null {
  const field = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 'x');
  const periodCount = field('nr_periods');
  const throttledCount = field('nr_throttled');
  const v1 = field('throttled_time');
  const throttledNs = Number.isNaN(v1) ? field('throttled_usec') * 1000 : v1;
  if (!Number.isFinite(periodCount + throttledCount + throttledNs)) return null;
  return { periodCount, throttledCount, throttledNs };
}

/** The hierarchy with the CPU controller, from the text of mountinfo: version 1 where it has it, else version 2. */
export function findCpuMount(mountinfo: string): CgroupMount | null {
  let unified: CgroupMount | null = null;
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    const [, , , root, mountPoint] = before?.split(' ') ?? [];
    const [type, , options] = after?.split(' ') ?? [];
    if (root === undefined || mountPoint === undefined) continue;
    const mount = { root: unescapeOctal(root), mountPoint: unescapeOctal(mountPoint) };
    if (type === 'cgroup' && options?.split(',').includes('cpu')) return { version: 1, ...mount };
    if (type === 'cgroup2') unified ??= { version: 2, ...mount };
  }
  return unified;
}

/** From the text of /proc/PID/cgroup. `read` gives the text of a file below the mount, or null. */
export function describeCgroup(text: string, mount: CgroupMount, read: ReadText): ProcessCgroup | null {
  const path = pathIn(text, mount.version);
  if (path === null) return null;
  const none = { path, cpuStatPath: null, limitPath: path, quotaCpus: null, limits: [] };
  // A path outside what the mount shows: a process of another cgroup namespace, or "/.." above ours.
  const below = pathBelow(path, mount.root);
  if (below === null || path.endsWith(' (deleted)')) return none;
  const parts = below.split('/').filter(Boolean);
  const limits: CpuLimit[] = [];
  for (let depth = parts.length; depth >= 0; depth--) {
    const inner = parts
      .slice(0, depth)
      .map((part) => `/${part}`)
      .join('');
    const folder = mount.mountPoint + inner;
    const quotaCpus =
      mount.version === 1 ? quotaV1(folder, read) : parseCpuMax(read(`${folder}/cpu.max`) ?? '');
    if (quotaCpus === null) continue;
    const limitPath = (mount.root === '/' ? '' : mount.root) + inner;
    limits.push({ path: limitPath || '/', quotaCpus, cpuStatPath: `${folder}/cpu.stat` });
  }
  if (limits.length === 0) {
    const cpuStatPath = `${mount.mountPoint}${below === '/' ? '' : below}/cpu.stat`;
    return read(cpuStatPath) === null ? none : { ...none, cpuStatPath };
  }
  const tightest = limits.reduce((best, limit) => (limit.quotaCpus < best.quotaCpus ? limit : best));
  return {
    path,
    cpuStatPath: tightest.cpuStatPath,
    limitPath: tightest.path,
    quotaCpus: tightest.quotaCpus,
    limits,
  };
}

/** "20000 100000" → 0.2; "max 100000" → null. Version 2. */
export function parseCpuMax(text: string): number | null {
  const match = /^(\d+) (\d+)\s*$/.exec(text);
  return match ? ratio(Number(match[1]), Number(match[2])) : null;
}

function quotaV1(folder: string, read: ReadText): number | null {
  const quota = read(`${folder}/cpu.cfs_quota_us`)?.trim();
  // −1: no quota.
  if (!quota || !/^\d+$/.test(quota)) return null;
  return ratio(Number(quota), Number(read(`${folder}/cpu.cfs_period_us`)));
}

function ratio(quotaUs: number, periodUs: number): number | null {
  return quotaUs > 0 && periodUs > 0 ? quotaUs / periodUs : null;
}

/** Lines are "number:controllers:path"; version 2 has number 0 and no controllers. The path may hold colons. */
function pathIn(text: string, version: 1 | 2): string | null {
  for (const line of text.split('\n')) {
    const match = /^(\d+):([^:]*):(\/.*)$/s.exec(line);
    if (!match) continue;
    if (version === 2 ? match[1] === '0' && match[2] === '' : match[2]!.split(',').includes('cpu'))
      return match[3]!;
  }
  return null;
}

function pathBelow(path: string, root: string): string | null {
  if (path.split('/').includes('..')) return null;
  if (root === '/') return path;
  if (path === root) return '/';
  return path.startsWith(`${root}/`) ? path.slice(root.length) : null;
}

/** Spaces and the like are written in octal. proc_pid_mountinfo(5) */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
