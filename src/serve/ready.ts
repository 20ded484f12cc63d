/** What a server says first: where it listens, in the form that the load commands take. */
import { type Address, formatAddress } from '../base/address.ts';
import type { EventLoop } from '../loop/event-loop.ts';
import type { ServerProtocol } from './protocols/protocol.ts';

export type ServeReady = {
  /** Of the server, or of the master of its workers. */
  pid: number;
  backend: EventLoop['backend'];
  addresses: Address[];
  /** Pids of the workers; empty without a master. */
  workers: number[];
};

/** "listening on http://127.0.0.1:8080/ (pid 12, epoll)", or the same as one line of JSON. */
export function formatReady(
  ready: ServeReady,
  protocol: ServerProtocol['name'] | 'proxy',
  json: boolean,
): string {
  const targets = ready.addresses.map((address) => targetText(address, protocol));
  const { pid, backend, workers } = ready;
  if (json) return JSON.stringify({ ready: true, pid, backend, targets, workers });
  const who = workers.length > 0 ? `, workers ${workers.join(' ')}` : '';
  return `listening on ${targets.join(', ')} (pid ${pid}, ${backend}${who})`;
}

/** As the load commands take it. */
export function targetText(address: Address, protocol: ServerProtocol['name'] | 'proxy'): string {
  if (address.kind === 'unix')
    return protocol === 'http' ? `unix+http:${address.path}` : `unix:${address.path}`;
  return protocol === 'http' ? `http://${formatAddress(address)}/` : `tcp://${formatAddress(address)}`;
}
