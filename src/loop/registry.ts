import { LoopscopeError } from '../base/errors.ts';
import { probeIoUring } from '../kernel/features.ts';
import { createEpollLoop } from './epoll-loop.ts';
import type { EventLoop, LoopOptions } from './event-loop.ts';
import { createRingLoop, type RingSizes } from './ring-loop.ts';

export type LoopBackend = {
  readonly name: EventLoop['backend'];
  /** Whether this machine lets us, and why not. */
  probe(): { available: boolean; reason: string };
  /** `sizes` are for the ring alone. */
  create(options: LoopOptions, sizes?: Partial<RingSizes>): EventLoop;
};

/** The back ends, best first. */
export const loopBackends: readonly LoopBackend[] = [
  { name: 'ring', probe: probeIoUring, create: createRingLoop },
  { name: 'epoll', probe: () => ({ available: true, reason: '' }), create: createEpollLoop },
];

/**
 * Makes an event loop. 'auto' takes io_uring where it is to be had, else epoll; a back end asked for by name and
 * refused throws KERNEL_FEATURE with the reason.
 */
export function createLoop(
  options: LoopOptions,
  backend: 'auto' | EventLoop['backend'] = 'auto',
  sizes?: Partial<RingSizes>,
): EventLoop {
  for (const candidate of loopBackends) {
    if (backend !== 'auto' && backend !== candidate.name) continue;
    const { available, reason } = candidate.probe();
    if (available) return candidate.create(options, sizes);
    if (backend !== 'auto') {
      throw new LoopscopeError(
        'KERNEL_FEATURE',
        `${candidate.name} event loop: ${reason}`,
        'use the epoll back end',
      );
    }
  }
  throw new LoopscopeError('INTERNAL', `no event loop named ${backend}`);
}

/** Ring where the kernel allows it, unless one is asked for by name: that one may still be refused. */
export function chooseBackend(wanted: 'auto' | EventLoop['backend']): EventLoop['backend'] {
  if (wanted !== 'auto') return wanted;
  return loopBackends.find((backend) => backend.probe().available)!.name;
}
