import { LoopscopeError } from '../base/errors.ts';
import { type Codec, DEFAULT_FRAME_FORMAT, type RequestOptions } from './codec.ts';
import { FrameParser, writeFrameHeader } from './frame-parser.ts';

/** A private agent's protocol: each message is its length and that many bytes; replies come in the order asked. */
export const frame = {
  name: 'frame',
  summary: 'length-framed messages: 4 bytes of length, big-endian, then the payload',
  encodeRequest,
  createReplyParser: (options) => new FrameParser(options),
} satisfies Codec;

function encodeRequest(request: RequestOptions): Uint8Array {
  const format = request.frame ?? DEFAULT_FRAME_FORMAT;
  const body = request.body ?? new Uint8Array(0);
  const most = 256 ** format.lengthBytes - 1 - (format.countsItself ? format.lengthBytes : 0);
  if (body.length > most) {
    throw new LoopscopeError('USAGE', `--body: ${body.length} bytes do not fit a frame of at most ${most}`);
  }
  const bytes = new Uint8Array(format.lengthBytes + body.length);
  bytes.set(body, writeFrameHeader(bytes, 0, body.length, format));
  return bytes;
}
