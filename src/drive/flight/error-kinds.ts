import { ERRNO, errnoName } from '../../kernel/errno.ts';

/** Why a request failed when its connection closed, in the words of the report. */
export function closeKind(errno: number, cutShort: boolean): string {
  if (errno === ERRNO.ECONNRESET || errno === ERRNO.EPIPE) return 'reset by peer';
  if (errno !== 0) return errnoName(errno);
  return cutShort ? 'truncated reply' : 'closed without a reply';
}

/**
 * Sent before the reply to an earlier request announced that none would follow it (RFC 9112 §9.6), and not of a method
 * that may be sent twice.
 */
export const BEHIND_A_CLOSE = 'sent before the server announced its close';
