/** What the hostile server says. */
import type { Prng } from '../../src/base/prng.ts';
import type { ServerSpec } from './cases.ts';

export type ReplyKind = 'good' | 'wrong' | 'interim' | 'chunked' | 'says-close' | 'until-close';

/** The body that the request of a letter is to be answered with. */
export function bodyOf(letter: string, replyBytes: number): string {
  return letter.repeat(replyBytes);
}

/** A whole, right reply; of a protocol that cannot say what the kind asks for, a plain one. */
export function reply(spec: ServerSpec, kind: ReplyKind, letter: string): Buffer {
  const body = bodyOf(letter, spec.replyBytes);
  if (spec.protocol === 'frame') return frame(body);
  const shown = spec.isHead ? '' : body;
  const length = `Content-Length: ${body.length}\r\n`;
  if (kind === 'interim') {
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n';
    return Buffer.from(`${hints}HTTP/1.1 200 OK\r\n${length}\r\n${shown}`);
  }
  if (kind === 'says-close') {
    return Buffer.from(`HTTP/1.1 200 OK\r\nConnection: close\r\n${length}\r\n${shown}`);
  }
  if (kind === 'until-close') return Buffer.from(`HTTP/1.1 200 OK\r\n\r\n${shown}`);
  if (kind === 'chunked') {
    const chunk = `${body.length.toString(16)};x=y\r\n${body}\r\n0\r\nTrailer: z\r\n\r\n`;
    return Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${spec.isHead ? '' : chunk}`);
  }
  return Buffer.from(`HTTP/1.1 200 OK\r\nServer: hostile\r\n${length}\r\n${shown}`);
}

/** Well formed, and not what was asked for. */
export function badReply(spec: ServerSpec, letter: string): Buffer {
  if (spec.protocol === 'frame') return frame(bodyOf('!', spec.replyBytes));
  return Buffer.from(`HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\n${spec.isHead ? '' : letter}`);
}

/** Bytes that no reply begins with. */
export function garbage(protocol: 'http' | 'frame', prng: Prng): Buffer {
  const bytes = Buffer.from(Array.from({ length: 8 + prng.below(200) }, () => prng.below(256)));
  // As a frame: longer than any that is accepted. As HTTP: no letter.
  bytes.fill(protocol === 'frame' ? 0xff : 0x01, 0, 4);
  return bytes;
}

function frame(payload: string): Buffer {
  const bytes = Buffer.alloc(4 + payload.length, payload);
  bytes.writeUInt32BE(payload.length, 0);
  return bytes;
}
