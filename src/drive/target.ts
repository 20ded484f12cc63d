/** Where a load goes, and what to say when nobody is there. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { type Address, formatAddress } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { ERRNO, errnoName } from '../kernel/errno.ts';
import type { Plan } from '../plan/plan-options.ts';
import type { ThreadError } from './thread/thread-error.ts';
import { fromThreadError } from './thread-messages.ts';

/** Names are looked up once, before anything is opened; sockets take addresses. */
export async function resolveAddress(address: Address): Promise<Address> {
  if (address.kind === 'unix' || isIP(address.host) !== 0 || address.host === 'localhost') return address;
  try {
    return { ...address, host: (await lookup(address.host)).address };
  } catch (error) {
    throw new LoopscopeError(
      'TARGET_UNREACHABLE',
      `the name ${address.host} has no address`,
      'check the spelling, or give an IP address',
      error,
    );
  }
}

/** The error for a load without a single connection: which errno, and what that mostly means. */
export function unreachable(
  plan: Plan,
  ready: readonly { lastErrno: number; error: ThreadError | null }[],
): LoopscopeError {
  const where = formatAddress(plan.target.address);
  const errno = ready.find(({ lastErrno }) => lastErrno !== 0)?.lastErrno ?? 0;
  // Where some connects had an answer, that is the target's; what the client lacked for the others matters less.
  const broken = ready.find(({ error }) => error !== null)?.error;
  if (broken && errno === 0) return fromThreadError(broken);
  const why = errno === 0 ? 'no answer within 3 s' : errnoName(errno);
  return new LoopscopeError(
    'TARGET_UNREACHABLE',
    `not one connection to ${where} could be opened: ${why}`,
    hintFor(errno, where),
  );
}

function hintFor(errno: number, where: string): string {
  if (errno === ERRNO.ENOENT) return `no socket file there: is the server running, and is the path right?`;
  if (errno === ERRNO.EACCES || errno === ERRNO.EPERM)
    return `the socket's permissions do not let this user in`;
  if (errno === ERRNO.EAGAIN) return `its listen queue is full: is the server accepting?`;
  if (errno === 0) return `is the server accepting, or does a firewall drop the packets?`;
  return `is the server listening on ${where}? try: ss -ltnx`;
}
