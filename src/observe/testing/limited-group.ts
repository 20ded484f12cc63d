/** A cgroup with a limit, of either version. For tests only. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export type LimitedGroup = {
  readonly folder: string;
  add(pid: number): void;
  /** Puts whoever is left into the group above, and removes it. */
  [Symbol.dispose](): void;
};

let made = 0;

type Way = [root: string, files: [name: string, text: string][]];

/** `percent` of one CPU in each period. Null when cgroups cannot be written here. */
export function makeQuotaGroup(percent: number, periodUs: number): LimitedGroup | null {
  const quotaUs = Math.round((percent / 100) * periodUs);
  return makeGroup([
    [
      '/sys/fs/cgroup/cpu',
      [
        ['cpu.cfs_period_us', `${periodUs}`],
        ['cpu.cfs_quota_us', `${quotaUs}`],
      ],
    ],
    ['/sys/fs/cgroup', [['cpu.max', `${quotaUs} ${periodUs}`]]],
  ]);
}

/** Null when cgroups cannot be written here. */
export function makeMemoryGroup(limitBytes: number): LimitedGroup | null {
  return makeGroup([
    ['/sys/fs/cgroup/memory', [['memory.limit_in_bytes', `${limitBytes}`]]],
    ['/sys/fs/cgroup', [['memory.max', `${limitBytes}`]]],
  ]);
}

function makeGroup(ways: Way[]): LimitedGroup | null {
  const name = `loopscope-test-${process.pid}-${made++}`;
  for (const [root, files] of ways) {
    const folder = `${root}/${name}`;
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    try {
      for (const [file, text] of files) writeFileSync(`${folder}/${file}`, text);
      return groupAt(folder);
    } catch {
      rmdirSync(folder);
    }
  }
  return null;
}

function groupAt(folder: string): LimitedGroup {
  return {
    folder,
    add: (pid) => writeFileSync(`${folder}/cgroup.procs`, String(pid)),
    [Symbol.dispose]() {
      for (const pid of readFileSync(`${folder}/cgroup.procs`, 'utf8').split('\n').filter(Boolean)) {
        try {
          writeFileSync(`${dirname(folder)}/cgroup.procs`, pid);
        } catch {
          // It has ended.
        }
      }
      rmdirSync(folder);
    },
  };
}
