/** Where a load goes, and what to say when nobody is there. */
import { type Address, formatAddress } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { ERRNO, errnoName, errnoOf } from '../kernel/errno.ts';
import { peerAddress } from '../plan/plan.ts';
import type { Plan } from '../plan/plan-options.ts';
import { variableNotObeyed } from '../plan/proxy.ts';
import type { AddressRecord } from '../record/load.ts';
import { addressRecord, allThatAnswer, firstToAnswer, type Tried, tcpAttempt } from './choose-addresses.ts';
import { type Resolver, resolveAddresses } from './resolve.ts';
import type { TunnelTally } from './supply/tunnels.ts';
import type { ThreadError } from './thread/thread-error.ts';
import { fromThreadError } from './thread-messages.ts';
import { unusableProxy } from './unusable-proxy.ts';

/** Which addresses the connections of a load go to, and what came of trying each. */
export type Chosen = { used: Address[]; tried: AddressRecord[] };

/**
 * Looks up the name and tries its addresses; one alone is not tried beforehand. When none answers, TARGET_UNREACHABLE has
 * each with its errno. Aborted, it ends soon, with the first.
 */
export async function chooseAddresses(plan: Plan, signal: AbortSignal, resolve?: Resolver): Promise<Chosen> {
  const addresses = await resolvePeer(plan, resolve);
  if (addresses.length === 1) return { used: addresses, tried: addresses.map(notTried) };
  const attempt = tcpAttempt(plan.connectTimeoutNs / 1e6, plan.sourceAddresses);
  const choose = plan.addresses === 'all' ? allThatAnswer : firstToAnswer;
  const tried = await choose(addresses, attempt, signal);
  const used = tried.filter(({ error }) => error === null).map(({ address }) => address);
  if (signal.aborted && used.length === 0) return { used: addresses.slice(0, 1), tried: [] };
  if (used.length === 0) throw noneAnswers(plan, tried);
  return { used, tried: tried.map(addressRecord) };
}

async function resolvePeer(plan: Plan, resolve?: Resolver): Promise<Address[]> {
  try {
    return await resolveAddresses(peerAddress(plan), resolve);
  } catch (error) {
    if (plan.proxy === null || !(error instanceof LoopscopeError)) throw error;
    throw new LoopscopeError('PROXY_UNUSABLE', `--proxy: ${error.message}`, error.hint, error);
  }
}

function notTried(address: Address): AddressRecord {
  return { address: formatAddress(address), error: null };
}

function noneAnswers(plan: Plan, tried: readonly Tried[]): LoopscopeError {
  const each = tried.map(({ address, error }) => `${formatAddress(address)}: ${error}`).join(', ');
  return notOpened(plan, each, errnoOf(tried[0]!.error ?? ''));
}

/** The error for a load without a single connection: which errno, and what that mostly means. */
export function unreachable(
  plan: Plan,
  ready: readonly { lastErrno: number; error: ThreadError | null; tunnels: TunnelTally | null }[],
): LoopscopeError {
  const refused = ready.find(({ tunnels }) => tunnels !== null && tunnels.problem !== '')?.tunnels;
  if (refused) return unusableProxy(plan, refused);
  const errno = ready.find(({ lastErrno }) => lastErrno !== 0)?.lastErrno ?? 0;
  // Where some connects had an answer, that is the target's; what the client lacked for the others matters less.
  const broken = ready.find(({ error }) => error !== null)?.error;
  if (broken && errno === 0) return fromThreadError(broken);
  const why = errno === 0 ? 'no answer within 3 s' : errnoName(errno);
  return notOpened(plan, why, errno);
}

function notOpened(plan: Plan, why: string, errno: number): LoopscopeError {
  const where = formatAddress(peerAddress(plan));
  const who = plan.proxy === null ? 'server' : 'proxy';
  const [code, to] =
    plan.proxy === null
      ? (['TARGET_UNREACHABLE', where] as const)
      : (['PROXY_UNUSABLE', `the proxy ${where}`] as const);
  const unheeded = plan.proxy === null ? variableNotObeyed(process.env) : null;
  const variable =
    unheeded === null
      ? ''
      : `; ${unheeded} is set, and not obeyed: --proxy http://host:port goes through one`;
  return new LoopscopeError(
    code,
    `not one connection to ${to} could be opened: ${why}`,
    hintFor(errno, where, who) + variable,
  );
}

function hintFor(errno: number, where: string, who: string): string {
  if (errno === ERRNO.ENOENT) return `no socket file there: is the ${who} running, and is the path right?`;
  if (errno === ERRNO.EACCES || errno === ERRNO.EPERM)
    return `the socket's permissions do not let this user in`;
  if (errno === ERRNO.EAGAIN) return `its listen queue is full: is the ${who} accepting?`;
  if (errno === 0) return `is the ${who} accepting, or does a firewall drop the packets?`;
  return `is the ${who} listening on ${where}? try: ss -ltnx`;
}
