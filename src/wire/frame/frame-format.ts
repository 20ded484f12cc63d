/** Frame formats: checked, completed, and written: [magic … length …] payload. */
import { LoopscopeError } from '../../base/errors.ts';
import { DEFAULT_FRAME_FORMAT, type FrameFormat } from '../codec.ts';

const MAX_FRAME_HEADER_BYTES = 256;
const WIDTHS = [1, 2, 3, 4, 8];
const COUNTS: readonly FrameFormat['counts'][] = ['payload', 'payload+header', 'everything'];
/** A payload's position in a reply is a number that V8 keeps exact, whatever the limit asked for. */
const MAX_PAYLOAD_BYTES = 2 ** 48;

/**
 * A whole format from the parts that differ from the default. The length follows the magic, and the payload the length,
 * unless said otherwise. Throws USAGE naming the part at fault.
 */
export function frameFormat(parts: Partial<FrameFormat> = {}): FrameFormat {
  const magic = hex('magic', parts.magic ?? '');
  const header = hex('header', parts.header ?? '');
  const lengthBytes = parts.lengthBytes ?? DEFAULT_FRAME_FORMAT.lengthBytes;
  if (!WIDTHS.includes(lengthBytes)) fail('width', lengthBytes, `one of ${WIDTHS.join(', ')}`);
  const lengthOffset = parts.lengthOffset ?? magic.length / 2;
  whole('offset', lengthOffset, magic.length / 2, MAX_FRAME_HEADER_BYTES - lengthBytes);
  const lengthEnd = lengthOffset + lengthBytes;
  const headerBytes = parts.headerBytes ?? Math.max(lengthEnd, header.length / 2);
  whole('headerBytes', headerBytes, lengthEnd, MAX_FRAME_HEADER_BYTES);
  if (header.length / 2 > headerBytes) fail('header', header, `at most ${headerBytes} bytes`);
  if (header !== '' && !(header.startsWith(magic) || magic.startsWith(header))) {
    fail('header', header, `begins with the magic ${magic}`);
  }
  const counts = parts.counts ?? 'payload';
  if (!COUNTS.includes(counts)) fail('counts', counts, `one of ${COUNTS.join(', ')}`);
  const adjustment = parts.adjustment ?? 0;
  whole('adjustment', adjustment, -(2 ** 31), 2 ** 31);
  const maxPayloadBytes = parts.maxPayloadBytes ?? DEFAULT_FRAME_FORMAT.maxPayloadBytes;
  whole('max', maxPayloadBytes, 0, MAX_PAYLOAD_BYTES);
  const littleEndian = parts.littleEndian ?? false;
  if (typeof littleEndian !== 'boolean') fail('littleEndian', littleEndian, 'true or false');
  return Object.freeze({
    lengthBytes,
    littleEndian,
    lengthOffset,
    headerBytes,
    counts,
    adjustment,
    magic,
    header,
    maxPayloadBytes,
  });
}

/** The length field's value is the payload's size and this. */
export function lengthSurplus(format: FrameFormat): number {
  if (format.counts === 'payload') return format.adjustment;
  const own = format.counts === 'everything' ? format.lengthBytes : 0;
  return format.headerBytes - format.lengthBytes + own + format.adjustment;
}

/** Most payload bytes that the length field can announce. */
export function maxPayloadBytesOf(format: FrameFormat): number {
  return Math.min(256 ** format.lengthBytes - 1, Number.MAX_SAFE_INTEGER) - lengthSurplus(format);
}

/** A header with everything but the length: writeFrameLength() fills that in. */
export function headerTemplate(format: FrameFormat): Uint8Array {
  const bytes = new Uint8Array(format.headerBytes);
  bytes.set(Buffer.from(format.header, 'hex'));
  bytes.set(Buffer.from(format.magic, 'hex'));
  return bytes;
}

/** Writes a payload's length into the header that begins at `at`. */
export function writeFrameLength(
  into: Uint8Array,
  at: number,
  payloadBytes: number,
  format: FrameFormat,
): void {
  const { lengthBytes, lengthOffset, littleEndian } = format;
  let value = payloadBytes + lengthSurplus(format);
  for (let i = 0; i < lengthBytes; i++) {
    into[at + lengthOffset + (littleEndian ? i : lengthBytes - 1 - i)] = value % 256;
    value = Math.floor(value / 256);
  }
}

function hex(part: string, text: string): string {
  const digits = typeof text === 'string' ? text.replace(/^0x/, '').toLowerCase() : '!';
  if (!/^([0-9a-f]{2})*$/.test(digits) || digits.length > 2 * MAX_FRAME_HEADER_BYTES) {
    fail(part, text, 'pairs of hexadecimal digits, such as 4c53');
  }
  return digits;
}

function whole(part: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    fail(part, value, `a whole number from ${min} to ${max}`);
  }
}

function fail(part: string, value: unknown, wanted: string): never {
  throw new LoopscopeError(
    'USAGE',
    `frame format: ${part} is ${JSON.stringify(value)}`,
    `it must be ${wanted}`,
  );
}
