/** Accounts as the data path sees them: a book in shared memory, which another thread or process reads. */
import { readTcpCounts, type TcpCounts } from '../../../kernel/tcp/tcp-counts.ts';
import type { Accounts } from './accounts.ts';
import type { BookWriter } from './book-writer.ts';

/** `connectionLimit` as the book's writer has it. */
export function accountsIn(writer: BookWriter, connectionLimit: number, nowNs: () => number): Accounts {
  const kernelUp = new Float64Array(connectionLimit).fill(Number.NaN);
  const kernelDown = new Float64Array(connectionLimit).fill(Number.NaN);
  const cutTold = new Uint8Array(connectionLimit);
  const counts: TcpCounts = { sentBytes: 0, receivedBytes: 0 };
  return {
    opened: (user, destination) => writer.opened(user, destination, nowNs()),
    live(account, upBytes, downBytes) {
      writer.live(account, upBytes, downBytes);
      if (!writer.isCut(account)) return true;
      if (cutTold[account] === 0) writer.cut(account);
      cutTold[account] = 1;
      return false;
    },
    settle(account, upstreamFd, readBytes, headBytes, isReset) {
      if (!readTcpCounts(upstreamFd, readBytes, true, isReset, counts)) return;
      kernelUp[account] = Math.max(0, counts.sentBytes - headBytes);
      kernelDown[account] = counts.receivedBytes;
    },
    closed(account, upBytes, downBytes) {
      writer.live(account, upBytes, downBytes);
      writer.closed(account, kernelUp[account]!, kernelDown[account]!, nowNs());
      kernelUp[account] = Number.NaN;
      kernelDown[account] = Number.NaN;
      cutTold[account] = 0;
    },
    mayOpen: (user) => !writer.isUserCut(user),
    flush: () => writer.tick(nowNs()),
    [Symbol.dispose]: () => writer.tick(nowNs()),
  };
}
