/**
 * Samples of the host's counters. Files are opened once and read again from their start: a sample costs some tens of µs,
 * and the network files stay those of the watched process's namespace when it ends.
 */
import { closeSync, openSync } from 'node:fs';
import { cgroupOfProcess, type ProcessCgroup, parseThrottling } from '../../kernel/proc/cgroup.ts';
import { parseCpuStat } from '../../kernel/proc/cpu-times.ts';
import { parseDiskstats, wholeDisks } from '../../kernel/proc/diskstats.ts';
import { NET_FILES, parseNetStat } from '../../kernel/proc/netstat.ts';
import { readAgain } from '../../kernel/proc/read-text.ts';
import { parseVmstat } from '../../kernel/proc/vmstat.ts';
import type { CgroupCpuSample, HostSample } from '../../record/observation.ts';

export type HostSamplerOptions = {
  nowNs: () => number;
  /** The watched loops now: their groups' throttling is sampled. */
  loops: () => readonly { pid: number }[];
  /** Most samples kept; 4000 by default, which is 17 minutes at four a second. */
  sampleLimit?: number;
};

export type HostSampler = {
  /** Takes one now, and keeps it as the newest of `samples`. */
  sample(): HostSample;
  /** In order of time. At the limit every other one is dropped, and from then on fewer are kept. */
  readonly samples: HostSample[];
  [Symbol.dispose](): void;
};

const SAMPLE_LIMIT = 4000;
const CGROUP_LIMIT = 256;
/** A quota may be set, or a process moved, during the run; looking costs a few µs a process. */
const LOOK_FOR_CGROUPS_EVERY = 4;

/** Never throws: what is hidden here is null in the samples. */
export function createHostSampler(options: HostSamplerOptions): HostSampler {
  const files = new Map<string, number | null>();
  const sampleLimit = options.sampleLimit ?? SAMPLE_LIMIT;
  const disks = wholeDisks();
  const cgroups = new Map<string, string>();
  const samples: HostSample[] = [];
  let netPid: number | null = null;
  let sampleCount = 0;
  let stride = 1;
  /** The newest sample does not fall on the stride: the next one takes its place. */
  let newestIsSpare = false;

  const read = (path: string): string | null => {
    let fd = files.get(path);
    if (fd === undefined) files.set(path, (fd = openOrNull(path)));
    return fd === null ? null : readAgain(fd);
  };

  const take = (): HostSample => {
    const loops = options.loops();
    netPid ??= loops[0]?.pid ?? null;
    if (sampleCount % LOOK_FOR_CGROUPS_EVERY === 0) findCgroups(loops, cgroups);
    const atNs = options.nowNs();
    const stat = parseCpuStat(read('/proc/stat') ?? '');
    const vm = parseVmstat(read('/proc/vmstat') ?? '');
    const disk = parseDiskstats(read('/proc/diskstats') ?? '', disks);
    const [netstat, snmp, sockstat] = NET_FILES.map((name) =>
      netPid === null ? null : read(`/proc/${netPid}/net/${name}`),
    );
    return {
      atNs,
      cpus: stat?.cpus ?? [],
      contextSwitches: stat?.contextSwitches ?? 0,
      procsRunning: stat?.procsRunning ?? 0,
      cgroups: [...cgroups].flatMap(([path, cpuStatPath]) => throttlingOf(path, read(cpuStatPath))),
      ...parseNetStat(netstat!, snmp!, sockstat!),
      dirtyPages: vm.dirtyPages,
      allocStalls: vm.allocStalls,
      majorFaults: vm.majorFaults,
      diskReadBytes: disk?.readBytes ?? null,
      diskWriteBytes: disk?.writeBytes ?? null,
      diskBusyNs: disk?.busyNs ?? null,
    };
  };

  return {
    samples,
    sample() {
      const sample = take();
      if (newestIsSpare) samples.pop();
      samples.push(sample);
      newestIsSpare = sampleCount % stride !== 0;
      if (samples.length >= sampleLimit && !newestIsSpare) {
        stride *= 2;
        thin(samples);
        newestIsSpare = sampleCount % stride !== 0;
      }
      sampleCount++;
      return sample;
    },
    [Symbol.dispose]() {
      for (const fd of files.values()) if (fd !== null) closeSync(fd);
      files.clear();
    },
  };
}

/** Drops every other one but the newest. */
function thin(samples: HostSample[]): void {
  const kept = samples.filter((_, index) => index % 2 === 0 || index === samples.length - 1);
  samples.splice(0, samples.length, ...kept);
}

/** Groups are never dropped: counters are compared between the first and the last sample. */
function findCgroups(loops: readonly { pid: number }[], cgroups: Map<string, string>): void {
  const cache = new Map<string, ProcessCgroup | null>();
  for (const { pid } of loops) {
    const cgroup = cgroupOfProcess(pid, cache);
    if (cgroup === null) continue;
    for (const limit of cgroup.limits) add(limit.path, limit.cpuStatPath);
    if (cgroup.cpuStatPath !== null) add(cgroup.limitPath, cgroup.cpuStatPath);
  }
  function add(path: string, cpuStatPath: string): void {
    if (cgroups.size < CGROUP_LIMIT) cgroups.set(path, cpuStatPath);
  }
}

function throttlingOf(path: string, text: string | null): CgroupCpuSample[] {
  const throttling = text === null ? null : parseThrottling(text);
  return throttling === null ? [] : [{ path, ...throttling }];
}

function openOrNull(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch {
    return null;
  }
}
