import { judgeContention } from '../contention.ts';
import type { Rule } from '../rule.ts';

export const cpuPreempted = {
  culprit: 'cpu.preempted',
  title: 'another process pushed the loop off its CPU in mid-work',
  order: 80,
  judge: (facts) => judgeContention(facts, 'cpu.preempted'),
} satisfies Rule;
