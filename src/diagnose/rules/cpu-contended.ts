import { judgeContention } from '../contention.ts';
import type { Rule } from '../rule.ts';

export const cpuContended = {
  culprit: 'cpu.contended',
  title: 'another process held the CPU when the loop woke',
  order: 70,
  judge: (facts) => judgeContention(facts, 'cpu.contended'),
} satisfies Rule;
