/** Options of built-in codecs, written behind the name: `frame:width=2,endian=little`. */
import { LoopscopeError } from '../base/errors.ts';
import type { Codec } from './codec.ts';

/** One option of a built-in codec, as help and documents show it. */
export type CodecOption = {
  readonly name: string;
  /** What may be written after "=", for example "1, 2, 3, 4 or 8". */
  readonly values: string;
  readonly summary: string;
};

export type BuiltInCodec = Codec & {
  readonly options: readonly CodecOption[];
  /** The codec set up so. Names are known to be the codec's own; throws USAGE naming a value at fault. */
  withOptions(values: OptionValues): Codec;
};

export type OptionValues = ReadonlyMap<string, string>;

/** Reads "a=1,b=2,c"; a name alone means "yes". A comma inside a value is written \x2c. Throws USAGE. */
export function parseOptions(codec: BuiltInCodec, text: string): OptionValues {
  const values = new Map<string, string>();
  for (const part of text === '' ? [] : text.split(',')) {
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    if (!codec.options.some((option) => option.name === name)) {
      const known = codec.options.map((option) => option.name).join(', ');
      throw new LoopscopeError(
        'USAGE',
        `--codec ${codec.name}: there is no option "${name}"`,
        known === '' ? `write --codec ${codec.name}` : `there are: ${known}`,
      );
    }
    if (values.has(name))
      throw new LoopscopeError('USAGE', `--codec ${codec.name}: "${name}" is given twice`);
    values.set(name, equals < 0 ? 'yes' : part.slice(equals + 1));
  }
  return values;
}

export function flagOption(codecName: string, values: OptionValues, name: string): boolean {
  const text = values.get(name) ?? 'no';
  if (text !== 'yes' && text !== 'no') badValue(codecName, name, text, 'write yes or no');
  return text === 'yes';
}

/** A whole number, in decimal; undefined when the option is not given. */
export function numberOption(codecName: string, values: OptionValues, name: string): number | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  if (!/^-?\d{1,15}$/.test(text)) badValue(codecName, name, text, 'write a whole number');
  return Number(text);
}

/** Bytes written as text with \r \n \t \0 \\ and \xHH. */
export function bytesOption(codecName: string, values: OptionValues, name: string): Uint8Array | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  const pieces: Buffer[] = [];
  for (const [part, code] of text.matchAll(/\\(x[0-9a-fA-F]{2}|[rnt0\\]|.?)|[^\\]+/gs)) {
    if (code === undefined) pieces.push(Buffer.from(part, 'utf8'));
    else if (code in ESCAPES) pieces.push(Buffer.from([ESCAPES[code]!]));
    else if (code.length === 3) pieces.push(Buffer.from(code.slice(1), 'hex'));
    else
      badValue(codecName, name, text, `"${part}" is not an escape; there are \\r \\n \\t \\0 \\\\ and \\xHH`);
  }
  return new Uint8Array(Buffer.concat(pieces));
}

const ESCAPES: Record<string, number> = { r: 13, n: 10, t: 9, '0': 0, '\\': 92 };

export function badValue(codecName: string, name: string, value: string, hint: string): never {
  throw new LoopscopeError('USAGE', `--codec ${codecName}: ${name}=${value} will not do`, hint);
}
