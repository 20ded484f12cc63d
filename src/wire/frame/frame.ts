import { LoopscopeError } from '../../base/errors.ts';
import { type Codec, DEFAULT_FRAME_FORMAT, type FrameFormat, type RequestOptions } from '../codec.ts';
import { type BuiltInCodec, badValue, numberOption, type OptionValues } from '../codec-options.ts';
import { frameFormat, lengthSurplus, maxPayloadBytesOf } from './frame-format.ts';
import { FrameParser, writeFrameHeader } from './frame-parser.ts';

/** A private agent's protocol: each message is its length and that many bytes; replies come in the order asked. */
export const frame = {
  name: 'frame',
  summary: 'length-framed messages: 4 bytes of length, big-endian, then the payload',
  pipelines: true,
  encodeRequest,
  createReplyParser: (options) => new FrameParser(options),
  options: [
    { name: 'width', values: '1, 2, 3, 4 or 8', summary: 'bytes of the length field; 4 when absent' },
    { name: 'endian', values: 'big or little', summary: 'byte order of the length; big when absent' },
    {
      name: 'offset',
      values: 'bytes',
      summary: 'bytes before the length field; the magic alone when absent',
    },
    {
      name: 'size',
      values: 'bytes',
      summary: 'the whole header, length included; up to the length when absent',
    },
    {
      name: 'counts',
      values: 'payload, payload+header or everything',
      summary: 'what the length counts: everything includes the length field itself; payload when absent',
    },
    {
      name: 'adjust',
      values: 'a number',
      summary: 'a constant that the length has on top of that, or negative',
    },
    {
      name: 'magic',
      values: 'hexadecimal',
      summary: 'first bytes of every frame; a reply without them is bad',
    },
    { name: 'header', values: 'hexadecimal', summary: 'other header bytes of requests, from the first on' },
    { name: 'max', values: 'bytes', summary: 'longest payload of a reply; 16 MiB when absent' },
  ],
  withOptions,
} satisfies BuiltInCodec;

function withOptions(values: OptionValues): Codec {
  const format = formatFrom(values);
  return {
    ...frame,
    encodeRequest: (request) => encodeRequest({ ...request, frame: format }),
    createReplyParser: (options) => new FrameParser({ ...options, frame: format }),
  };
}

function formatFrom(values: OptionValues): FrameFormat {
  const endian = values.get('endian') ?? 'big';
  if (endian !== 'big' && endian !== 'little') badValue('frame', 'endian', endian, 'write big or little');
  const number = (name: string) => numberOption('frame', values, name);
  return frameFormat({
    lengthBytes: number('width') as FrameFormat['lengthBytes'] | undefined,
    littleEndian: endian === 'little',
    lengthOffset: number('offset'),
    headerBytes: number('size'),
    counts: values.get('counts') as FrameFormat['counts'] | undefined,
    adjustment: number('adjust'),
    magic: values.get('magic'),
    header: values.get('header'),
    maxPayloadBytes: number('max'),
  });
}

function encodeRequest(request: RequestOptions): Uint8Array {
  const format = request.frame ?? DEFAULT_FRAME_FORMAT;
  const body = request.body ?? new Uint8Array(0);
  const most = maxPayloadBytesOf(format);
  if (body.length > most) {
    throw new LoopscopeError('USAGE', `--body: ${body.length} bytes do not fit a frame of at most ${most}`);
  }
  const least = Math.max(0, -lengthSurplus(format));
  if (body.length < least) {
    throw new LoopscopeError(
      'USAGE',
      `--body: ${body.length} bytes are less than this frame format's least, ${least}`,
    );
  }
  const bytes = new Uint8Array(format.headerBytes + body.length);
  bytes.set(body, writeFrameHeader(bytes, 0, body.length, format));
  return bytes;
}
