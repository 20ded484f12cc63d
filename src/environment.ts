import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, hostname, release, totalmem } from 'node:os';
import type { Environment } from './record/run.ts';

/** The machine a run was made on: figures without it mean little. */
export function readEnvironment(): Environment {
  return {
    kernelRelease: release(),
    arch: arch(),
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
    cpuCount: availableParallelism(),
    memTotalBytes: totalmem(),
    hypervisor: readHypervisor(),
    clockSource: readLine('/sys/devices/system/clocksource/clocksource0/current_clocksource') ?? 'unknown',
    nodeVersion: process.version,
    effectiveUid: process.geteuid?.() ?? -1,
    hostName: hostname(),
  };
}

/** The CPU says whether it is virtual (the "hypervisor" flag); DMI, where readable, says whose. */
function readHypervisor(): string | null {
  const vendor = readLine('/sys/class/dmi/id/sys_vendor') ?? readLine('/sys/hypervisor/type');
  const cpuinfo = readLine('/proc/cpuinfo', 65_536) ?? '';
  if (!/^flags\s*:.*\bhypervisor\b/m.test(cpuinfo) && vendor === null) return null;
  return /\bhypervisor\b/.test(cpuinfo) ? (vendor ?? 'virtual') : null;
}

function readLine(path: string, maxBytes = 256): string | null {
  try {
    return readFileSync(path, 'utf8').slice(0, maxBytes).trim() || null;
  } catch {
    return null;
  }
}
