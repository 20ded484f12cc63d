/** Which of a name's addresses are used: the first that takes a connection (RFC 8305), or all that do. */
import { connect, isIPv6 } from 'node:net';
import { type Address, formatAddress } from '../base/address.ts';
import type { AddressRecord } from '../record/load.ts';

/** RFC 8305, 5: how long an address may be silent before the next is tried beside it, ms. */
const ATTEMPT_DELAY_MS = 250;
/** Of one that was still silent when another had answered. */
const SILENT = 'no answer';

/** Tries a connection and closes it: null, or the name of the errno. `signal`: it is not needed any more. */
export type Attempt = (address: Address, signal: AbortSignal) => Promise<string | null>;

/** What was tried, in that order, with why it failed; those without an error are used. */
export type Tried = { address: Address; error: string | null };

/**
 * Tries addresses one after the other, the next one as soon as one fails or is silent for 250 ms, until one answers.
 * Aborted, it ends with what is known.
 */
export function firstToAnswer(
  addresses: readonly Address[],
  attempt: Attempt,
  signal: AbortSignal,
): Promise<Tried[]> {
  const tried: Tried[] = [];
  const over = new AbortController();
  const { promise, resolve } = Promise.withResolvers<Tried[]>();
  let timer: NodeJS.Timeout | undefined;
  let openCount = 0;
  const end = () => {
    clearTimeout(timer);
    over.abort();
    signal.removeEventListener('abort', end);
    resolve(tried);
  };
  const tryNext = () => {
    clearTimeout(timer);
    const address = addresses[tried.length];
    if (address === undefined) return openCount === 0 ? end() : undefined;
    const entry: Tried = { address, error: SILENT };
    tried.push(entry);
    openCount++;
    timer = setTimeout(tryNext, ATTEMPT_DELAY_MS);
    void attempt(address, over.signal).then((error) => {
      openCount--;
      if (over.signal.aborted) return;
      entry.error = error;
      if (error === null) end();
      else tryNext();
    });
  };
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  else tryNext();
  return promise;
}

/** Tries all at once, and tells of each. */
export function allThatAnswer(
  addresses: readonly Address[],
  attempt: Attempt,
  signal: AbortSignal,
): Promise<Tried[]> {
  return Promise.all(addresses.map(async (address) => ({ address, error: await attempt(address, signal) })));
}

/** An attempt over TCP. `sources`: local addresses; one of the same family is used. */
export function tcpAttempt(timeoutMs: number, sources: readonly string[]): Attempt {
  return (address, signal) => {
    const { promise, resolve } = Promise.withResolvers<string | null>();
    if (address.kind === 'unix') return Promise.resolve(null);
    const { host, port } = address;
    const localAddress = sources.find((source) => isIPv6(source) === host.includes(':'));
    const socket = connect({ host, port, ...(localAddress !== undefined && { localAddress }) });
    const end = (error: string | null) => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      resolve(error);
    };
    const abort = () => end(SILENT);
    socket.setTimeout(Math.max(1, timeoutMs), () => end('ETIMEDOUT'));
    socket.on('connect', () => end(null));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    return promise;
  };
}

export function addressRecord({ address, error }: Tried): AddressRecord {
  return { address: formatAddress(address), error };
}
