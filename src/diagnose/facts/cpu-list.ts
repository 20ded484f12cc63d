/** "0-3,8" (Cpus_allowed_list of proc_pid_status(5)) → the CPUs; null when it is not such a list. */
export function parseCpuList(text: string): Set<number> | null {
  const cpus = new Set<number>();
  for (const part of text.trim().split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim());
    if (!match) return null;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first || last > 8192) return null; // NR_CPUS is at most 8192
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
  }
  return cpus;
}

/** Share of `of`'s CPUs that `other` may also use; 1 when either is unknown. */
export function overlapShare(of: Set<number> | null, other: Set<number> | null): number {
  if (!of || !other || of.size === 0) return 1;
  let shared = 0;
  for (const cpu of of) if (other.has(cpu)) shared++;
  return shared / of.size;
}
