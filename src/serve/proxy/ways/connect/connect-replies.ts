/** What a CONNECT is answered with. Whatever is refused is closed: the bytes behind the head were meant for a tunnel. */
import type { Refusal } from '../way.ts';

/** RFC 9110 §9.3.6: no length and no coding; the tunnel begins behind the empty line. */
export const CONNECT_ESTABLISHED: Uint8Array = ascii('HTTP/1.1 200 Connection established\r\n\r\n');

const REASON: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  405: 'Method Not Allowed',
  407: 'Proxy Authentication Required',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

/** Status, error of RFC 9209 §2.3 for machines, and a sentence for people. */
const REFUSALS: Record<Refusal, readonly [number, string, string]> = {
  'not-authenticated': [407, 'http_request_denied', 'this proxy wants a name and a password'],
  'not-allowed': [403, 'http_request_denied', 'the rules of this proxy do not allow this destination'],
  'no-such-host': [502, 'dns_error', 'the name of the destination has no address'],
  'connect-refused': [502, 'connection_refused', 'the destination refused the connection'],
  unreachable: [502, 'destination_ip_unroutable', 'the destination cannot be reached'],
  'timed-out': [504, 'connection_timeout', 'the destination did not answer in time'],
  'no-upstream': [502, 'destination_unavailable', 'no upstream can be had'],
  internal: [500, 'proxy_internal_error', 'this proxy failed'],
};

const FIELDS: Record<number, string> = {
  405: 'Allow: CONNECT\r\n',
  407: 'Proxy-Authenticate: Basic realm="proxy", charset="UTF-8"\r\n',
};

/** The answer to a request that was understood. */
export function connectRefusal(why: Refusal): Uint8Array {
  const [status, error, sentence] = REFUSALS[why];
  return reply(status, error, sentence);
}

/** The answer to one that was not. */
export function connectWrong(status: number, sentence: string): Uint8Array {
  const error = status === 431 ? 'http_request_header_size' : 'http_request_error';
  return reply(status, error, sentence);
}

function reply(status: number, error: string, sentence: string): Uint8Array {
  const body = `${sentence}\n`;
  return ascii(
    `HTTP/1.1 ${status} ${REASON[status]}\r\n` +
      `Proxy-Status: loopscope; error=${error}\r\n${FIELDS[status] ?? ''}` +
      `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
