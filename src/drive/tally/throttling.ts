/** Whether the CPU quota of our own control group held us up: cgroups(7), cgroup v1 and v2. */
import { readFileSync } from 'node:fs';

type Files = { quota: string; stat: string; key: 'throttled_time' | 'throttled_usec'; scale: number };

/** Total time our groups were throttled since they were made, ns; null when none of them has a quota. */
export function readThrottledNs(): number | null {
  let text: string;
  try {
    text = readFileSync('/proc/self/cgroup', 'utf8');
  } catch {
    return null;
  }
  let most: number | null = null;
  for (const files of candidates(text)) {
    const quota = read(files.quota);
    // v1: −1 is none. v2: "max PERIOD" is none.
    if (quota === null || quota.startsWith('-1') || quota.startsWith('max')) continue;
    const value = new RegExp(`^${files.key} (\\d+)$`, 'm').exec(read(files.stat) ?? '')?.[1];
    if (value !== undefined) most = Math.max(most ?? 0, Number(value) * files.scale);
  }
  return most;
}

/** The group and its ancestors: any of them may hold the quota. */
function candidates(text: string): Files[] {
  const files: Files[] = [];
  for (const line of text.split('\n')) {
    const [, controllers, ...rest] = line.split(':');
    const path = rest.join(':');
    if (controllers === undefined || path === '') continue;
    const v2 = controllers === '';
    if (!v2 && !controllers.split(',').includes('cpu')) continue;
    const mounts = v2 ? ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'] : v1Mounts(controllers);
    for (const mount of mounts) {
      for (let group = path; ; group = group.slice(0, group.lastIndexOf('/'))) {
        files.push(v2 ? filesV2(mount + group) : filesV1(mount + group));
        if (group === '' || group === '/') break;
      }
    }
  }
  return files;
}

function v1Mounts(controllers: string): string[] {
  return [`/sys/fs/cgroup/${controllers}`, '/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct'];
}

function filesV2(folder: string): Files {
  return { quota: `${folder}/cpu.max`, stat: `${folder}/cpu.stat`, key: 'throttled_usec', scale: 1e3 };
}

function filesV1(folder: string): Files {
  return {
    quota: `${folder}/cpu.cfs_quota_us`,
    stat: `${folder}/cpu.stat`,
    key: 'throttled_time',
    scale: 1,
  };
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
