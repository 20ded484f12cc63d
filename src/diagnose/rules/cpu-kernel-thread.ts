import { printable } from '../../base/printable.ts';
import { formatNs } from '../../base/units.ts';
import { actorName } from '../facts/actors.ts';
import { topActors } from '../facts/who.ts';
import { fact, judgeByLostTime, type Rule } from '../rule.ts';

/** What a kernel thread works on, by the beginning of its name, and what to do about it. */
const KNOWN: [prefix: string, work: string, advice: string][] = [
  [
    'khugepaged',
    'merging pages into huge ones',
    'set transparent huge pages to madvise, or raise scan_sleep_millisecs',
  ],
  ['kswapd', 'reclaiming memory', 'raise watermark_scale_factor, or use less page cache'],
  ['kcompactd', 'compacting memory', 'lower compaction_proactiveness; set transparent huge pages to madvise'],
  ['ksoftirqd', 'handling network packets', 'spread interrupts and RPS away from the workers’ CPUs'],
  [
    'kworker',
    'running deferred kernel work',
    'find the work item with the workqueue:workqueue_execute_start tracepoint',
  ],
  ['migration', 'moving tasks between CPUs', 'see who changes CPU affinities'],
  ['kdamond', 'monitoring memory access', 'stop or slow down DAMON'],
  ['jbd2', 'committing the file system’s journal', 'move the writer to another disk'],
];

/** A kernel thread took the loop's CPU. */
export const cpuKernelThread = {
  culprit: 'cpu.kernel-thread',
  title: 'a kernel thread held the CPU',
  order: 90,
  judge: (facts) =>
    judgeByLostTime(
      facts,
      'cpu.kernel-thread',
      (tally) => {
        const actors = topActors(tally.slices);
        const top = actors[0]!.actor;
        const known = KNOWN.find(([prefix]) => top.comm.startsWith(prefix));
        const loop = tally.worstLoop?.name ?? 'the loop';
        return {
          headline: `kernel thread ${actorName(top)}${known ? `, ${known[1]},` : ''} held the CPU of ${loop}`,
          evidence: actors
            .slice(0, 3)
            .map(({ actor, ns }) =>
              fact(
                'ran_instead',
                actorName(actor),
                '',
                `Kernel thread ${actorName(actor)} ran for ${formatNs(ns)} while a loop was runnable.`,
              ),
            ),
          advice: [
            known ? known[2] : `see what ${printable(top.comm, 40)} works on: perf record -g on that CPU`,
            'pin the workers to CPUs that housekeeping does not use (isolcpus, nohz_full)',
          ],
        };
      },
      { fromCounters: true },
    ),
} satisfies Rule;
