/** Takes a CPU away from everybody of ordinary priority. For tests only; needs root. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** As `comm` of who does it: it is known by the name it had when it got the CPU, and it changes programs first. */
export const STARVER = /^(sh|taskset|chrt|timeout)$/;

/** Real-time priority 10, in a loop of sh, for so long. */
export async function starve(cpu: number, durationMs = 500): Promise<void> {
  const busy = 'i=0; while [ $i -lt 100000000 ]; do i=$((i+1)); done';
  const argv = [`${durationMs / 1000}`, 'chrt', '-f', '10', 'taskset', '-c', String(cpu), 'sh', '-c', busy];
  await once(spawn('timeout', argv, { stdio: 'ignore' }), 'exit');
}

/** Above it, a new process some forty times a second that is over in no time, however slowly this machine starts one; until disposed. */
export function crowd(cpu: number): Disposable {
  const argv = ['-f', '20', 'taskset', '-c', String(cpu), 'sh', '-c', 'while sleep 0.02; do :; done'];
  const child = spawn('chrt', argv, { stdio: 'ignore', detached: true });
  return {
    [Symbol.dispose]() {
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {
        // It did not start.
      }
    },
  };
}
