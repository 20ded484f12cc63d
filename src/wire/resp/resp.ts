import { LoopscopeError } from '../../base/errors.ts';
import { type Codec, PARSED, type RequestOptions } from '../codec.ts';
import type { BuiltInCodec } from '../codec-options.ts';
import { RespParser } from './resp-parser.ts';
import { respWords } from './resp-words.ts';

/** Redis and what speaks like it. */
export const resp = {
  name: 'resp',
  summary: 'Redis commands and replies (RESP2, RESP3)',
  pipelines: true,
  encodeRequest,
  createReplyParser: (options) => new RespParser(options),
  options: [],
  withOptions: (): Codec => resp,
} satisfies BuiltInCodec;

/** Words as redis-cli reads them, a JSON array of strings and numbers, or a command that is RESP already. */
function encodeRequest(request: RequestOptions): Uint8Array {
  const body = request.body ?? new Uint8Array(0);
  if (body.length === 0) return encodeCommand([Buffer.from('PING')]);
  if (body[0] === 0x2a) return checkedCommand(body);
  const text = Buffer.from(body).toString('utf8');
  return encodeCommand(text.trimStart().startsWith('[') ? jsonWords(text) : respWords(text));
}

function encodeCommand(words: readonly Uint8Array[]): Uint8Array {
  if (words.length === 0) {
    throw new LoopscopeError(
      'USAGE',
      '--body: the command has no word',
      "write for instance 'SET key value'",
    );
  }
  const parts: Uint8Array[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) parts.push(Buffer.from(`$${word.length}\r\n`), word, Buffer.from('\r\n'));
  return new Uint8Array(Buffer.concat(parts));
}

function jsonWords(text: string): Uint8Array[] {
  let words: unknown;
  try {
    words = JSON.parse(text);
  } catch (error) {
    throw new LoopscopeError(
      'USAGE',
      `--body: the command begins with "[" and is no JSON: ${(error as Error).message}`,
      'write ["SET", "key", "value"]',
    );
  }
  if (!Array.isArray(words) || !words.every((word) => typeof word === 'string' || typeof word === 'number')) {
    throw new LoopscopeError(
      'USAGE',
      '--body: the command is not an array of strings and numbers',
      'write ["SET", "key", "value"]',
    );
  }
  return words.map((word) => Buffer.from(String(word)));
}

/** Bytes that are RESP already, if they are one command. */
function checkedCommand(body: Uint8Array): Uint8Array {
  const parser = new RespParser({ connectionLimit: 1 });
  const result = parser.feed(0, body, 0, body.length);
  if (result === PARSED.message && parser.next === body.length) return new Uint8Array(body);
  throw new LoopscopeError(
    'USAGE',
    '--body: it begins with "*" and is not one whole RESP command',
    "write the words alone, for instance 'SET key value'",
  );
}
