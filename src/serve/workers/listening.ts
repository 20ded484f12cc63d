/** The listening sockets that a master opens and its workers inherit. */
import type { Address } from '../../base/address.ts';
import { LoopscopeError } from '../../base/errors.ts';
import {
  closeFd,
  type ListenOptions,
  localAddress,
  openListener,
  socketFileIdentity,
  unlinkSocketPath,
} from '../../kernel/sockets.ts';
import type { AcceptStrategy } from '../accept/strategy.ts';

export type Listening = {
  /** Where they really listen. */
  readonly addresses: Address[];
  /** Descriptors of worker `index`, one for each address. */
  of(index: number): number[];
  /** Closes all, and removes socket files of our own. Idempotent. */
  [Symbol.dispose](): void;
};

/**
 * Opens all, or none. With one socket for each worker they stay open here too: connections that wait on one survive
 * its worker. Throws USAGE, SYSCALL or PERMISSION.
 */
export function openListening(
  wanted: readonly Address[],
  workerCount: number,
  { name, sockets }: AcceptStrategy,
  options: ListenOptions = {},
): Listening {
  const addresses: Address[] = [];
  /** By address, then by worker: one, or workerCount. */
  const descriptors: number[][] = [];
  const files: [path: string, identity: string][] = [];
  const dispose = () => {
    for (const fd of descriptors.flat()) closeFd(fd);
    for (const [path, identity] of files) unlinkSocketPath(path, identity);
    descriptors.length = files.length = 0;
  };
  try {
    for (const address of wanted) {
      if (sockets === 'each' && address.kind === 'unix') {
        throw new LoopscopeError(
          'USAGE',
          `--accept ${name}: a Unix path belongs to one socket, and cannot be shared out by the kernel`,
          'listen on TCP, or choose another --accept',
        );
      }
      const own: number[] = [];
      descriptors.push(own);
      own.push(openListener(address, { ...options, reusePort: sockets === 'each' }));
      const real = address.kind === 'unix' ? address : localAddress(own[0]!);
      addresses.push(real);
      if (real.kind === 'unix') files.push([real.path, socketFileIdentity(real.path)]);
      while (sockets === 'each' && own.length < workerCount) {
        own.push(openListener(real, { ...options, reusePort: true }));
      }
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return {
    addresses,
    of: (index) => descriptors.map((own) => own[index % own.length]!),
    [Symbol.dispose]: dispose,
  };
}
