/** How a server takes the thread over and still lets Node see signals. */
import { LoopscopeError } from '../base/errors.ts';
import { NS_PER_MS } from '../base/units.ts';
import { setParentDeathSignal } from '../kernel/process.ts';
import type { LoopServer } from './loop-server.ts';

const SIGTERM = 15;
/**
 * Node delivers signals from its own loop, which runs only when ours lets it: this often. It bounds both how late a
 * signal is seen and how long our wait is asked to last.
 */
export const YIELD_EVERY_NS = 50 * NS_PER_MS;

/** Runs a server, letting Node's own loop run now and then; `check` is called each time. */
export async function runUntilEnded(server: LoopServer, check: () => void): Promise<void> {
  for (;;) {
    check();
    if (server.hasEnded) return;
    server.runFor(YIELD_EVERY_NS);
    await nextNodeTurn();
  }
}

/** Has the kernel send us a signal when our parent ends. Throws PROCESS_EXITED when it has ended already. */
export function dieWithParent(parentPid: number, signal: number = SIGTERM): void {
  if (!setParentDeathSignal(signal, parentPid)) {
    throw new LoopscopeError('PROCESS_EXITED', `the parent process ${parentPid} has ended already`);
  }
}

/** Lets Node's own loop run once: that is where signals arrive. */
function nextNodeTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
