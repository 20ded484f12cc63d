import { LoopscopeError } from '../../base/errors.ts';
import type { EventLoop } from '../../loop/event-loop.ts';
import { loopBackends } from '../../loop/registry.ts';
import { exclusive } from './exclusive.ts';
import { multishot } from './multishot.ts';
import { mutex } from './mutex.ts';
import { mutexMulti } from './mutex-multi.ts';
import { reuseport } from './reuseport.ts';
import { shared } from './shared.ts';
import type { AcceptStrategy } from './strategy.ts';

/** Every accept strategy; the first that suits the back end is the default. */
export const ACCEPT_STRATEGIES: readonly AcceptStrategy[] = [
  exclusive,
  multishot,
  reuseport,
  shared,
  mutex,
  mutexMulti,
];

export type Accepting = { strategy: AcceptStrategy; backend: EventLoop['backend'] };

/**
 * Settles strategy and back end: what is left to us ('auto') is chosen to suit the other, ring before epoll. Throws
 * USAGE when they do not go together, KERNEL_FEATURE when the kernel refuses the back end asked for.
 */
export function chooseAccepting(name: string, backend: 'auto' | EventLoop['backend']): Accepting {
  const strategy = ACCEPT_STRATEGIES.find((candidate) => candidate.name === name);
  if (name !== 'auto' && !strategy) {
    const names = ACCEPT_STRATEGIES.map((candidate) => candidate.name).join(', ');
    throw new LoopscopeError('USAGE', `--accept: there is no strategy "${name}"`, `one of ${names}`);
  }
  if (strategy && backend !== 'auto' && !strategy.backends.includes(backend)) {
    throw new LoopscopeError(
      'USAGE',
      `--accept ${name} works on the ${strategy.backends.join(' and ')} back end, not on ${backend}`,
      `leave out --backend, or choose --accept ${defaultFor(backend).name}`,
    );
  }
  const refused: string[] = [];
  for (const candidate of loopBackends) {
    if (backend !== 'auto' && candidate.name !== backend) continue;
    if (strategy && !strategy.backends.includes(candidate.name)) continue;
    const { available, reason } = candidate.probe();
    if (available) return { strategy: strategy ?? defaultFor(candidate.name), backend: candidate.name };
    refused.push(`${candidate.name} event loop: ${reason}`);
  }
  throw new LoopscopeError('KERNEL_FEATURE', refused.join('; '), 'use the epoll back end');
}

function defaultFor(backend: EventLoop['backend']): AcceptStrategy {
  return ACCEPT_STRATEGIES.find(({ backends }) => backends.includes(backend))!;
}
