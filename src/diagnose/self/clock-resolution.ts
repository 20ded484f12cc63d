import { printable } from '../../base/printable.ts';
import { formatNs } from '../../base/units.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';

/** Clock sources that a process reads without entering the kernel. /sys/devices/system/clocksource, vdso(7). */
const FAST_CLOCKS = /^(tsc|kvm-clock|hyperv_clocksource_tsc_page|arch_sys_counter)$/;

/** Median response against what the client's timers resolve. Spinning to the deadline resolves more than a timer. */
export const clockResolution = {
  name: 'clock-resolution',
  title: 'timers are finer than what they measure',
  judge({ load, run }) {
    if (!load) return null;
    if (!load.response) return skip('no request was answered');
    const clock = run.header.environment.clockSource;
    const p50Ns = load.response.quantileNs(0.5);
    const base = { unit: 'ratio', limit: SELF.resolutionFactor, isLeast: true };
    if (clock !== '' && !FAST_CLOCKS.test(clock)) {
      const text = `the clock source is ${printable(clock, 40)}: every reading is a system call of about a µs`;
      return { ...base, verdict: 'WARN', value: null, text };
    }
    if (!load.open) {
      const text = 'closed loop: nothing waits for a timer; the clock resolves ns';
      return { ...base, verdict: 'PASS', value: null, text };
    }
    const oversleepNs = load.record.client.timerOversleepNsP50;
    const lateNs = load.lateness?.quantileNs(0.5) ?? oversleepNs;
    const resolutionNs = load.client.spins ? Math.min(oversleepNs, lateNs) : oversleepNs;
    const factor = resolutionNs >= 1 ? p50Ns / resolutionNs : null;
    const by = resolutionNs === oversleepNs ? 'timers oversleep' : 'sends are late by';
    // Not the median itself: it is of the answered alone, and may be withheld.
    const times = factor === null ? '' : `; the median reply takes ${factor.toPrecision(3)} times that`;
    const text = `${by} ${formatNs(resolutionNs)} at p50${times}`;
    const verdict = factor !== null && factor < base.limit ? 'WARN' : 'PASS';
    return { ...base, verdict, value: factor, text };
  },
} satisfies Check;
