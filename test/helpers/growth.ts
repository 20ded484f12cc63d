import assert from 'node:assert/strict';

/** Linear work is done with so much in a few milliseconds; quadratic work takes 10¹⁰ steps and more: half a minute. */
const SIZE = 2 ** 18;
const MOST_CPU_MS = 5000;

/**
 * Fails where the time of `work` grows with the square of the size, or faster. On this thread's own clock, and with a
 * thousandfold to spare on either side: it says nothing of how fast or how busy the machine is.
 */
export function assertLinear(work: (size: number) => unknown): void {
  const before = process.threadCpuUsage();
  work(SIZE);
  const { user, system } = process.threadCpuUsage(before);
  const cpuMs = (user + system) / 1000;
  assert.ok(cpuMs < MOST_CPU_MS, `${cpuMs.toFixed(0)} ms of CPU for an input of ${SIZE}`);
}
