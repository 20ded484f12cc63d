/** `--codec`: a built-in by its name, with or without options, or a user's own from a file. */
import { existsSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { LoopscopeError } from '../../base/errors.ts';
import { importFile, missingImportHint } from '../../base/import-file.ts';
import type { Codec, ReplyParser } from '../codec.ts';
import { parseOptions } from '../codec-options.ts';
import { CODEC_NAMES, CODECS } from '../registry.ts';
import type { CodecDefinition } from './codec-definition.ts';
import { defineCodec, definitionProblem, kindOf } from './define-codec.ts';

const EXTENSIONS = /\.(ts|mts|js|mjs)$/;

/** Is it a file, and not the name of a built-in? */
export function isCodecPath(nameOrPath: string): boolean {
  return nameOrPath.includes('/') || EXTENSIONS.test(nameOrPath);
}

/** What names the same codec in any thread and any working directory: file names made absolute. */
export function codecReference(nameOrPath: string): string {
  return isCodecPath(nameOrPath) && !isAbsolute(nameOrPath) ? resolve(nameOrPath) : nameOrPath;
}

/**
 * The codec called so: `http1`, `frame:width=2,endian=little`, `./my-codec.ts`. A file exports `codec`, which is a
 * CodecDefinition or a whole Codec; it is loaded once a thread. Throws USAGE or FILE_UNREADABLE, naming file and member.
 */
export async function loadCodec(nameOrPath: string): Promise<Codec> {
  if (isCodecPath(nameOrPath)) return loadFile(resolve(nameOrPath));
  const [name, options] = splitOnce(nameOrPath, ':');
  const builtIn = CODECS.find((codec) => codec.name === name);
  if (builtIn === undefined) {
    throw new LoopscopeError(
      'USAGE',
      `--codec: "${name}" is none of ${CODEC_NAMES.join(', ')}`,
      'write one of them, or the path of your own: --codec ./my-codec.ts',
    );
  }
  return options === '' ? builtIn : builtIn.withOptions(parseOptions(builtIn, options));
}

async function loadFile(path: string): Promise<Codec> {
  if (!existsSync(path)) {
    throw new LoopscopeError('FILE_UNREADABLE', `--codec: there is no file ${path}`, 'check the path');
  }
  if (!statSync(path).isFile() || !EXTENSIONS.test(path)) {
    throw new LoopscopeError('USAGE', `--codec: ${path} is not a .ts, .mts, .js or .mjs file`, 'name one');
  }
  let module: Record<string, unknown>;
  try {
    module = await importFile(path);
  } catch (error) {
    throw importError(path, error);
  }
  if (!('codec' in module)) {
    const other = 'default' in module ? 'default' : Object.keys(module)[0];
    throw new LoopscopeError(
      'USAGE',
      `--codec: ${path} has no export named codec${other === undefined ? '' : `, only ${other}`}`,
      'write export const codec = { name, encodeRequest, replyLength }',
    );
  }
  return asCodec(path, module.codec);
}

function asCodec(path: string, value: unknown): Codec {
  const whole = typeof value === 'object' && value !== null && 'createReplyParser' in value;
  if (whole) return guarded(path, checkedCodec(path, value as Record<string, unknown>));
  const problem = definitionProblem(value);
  if (problem !== null) fail(path, problem.what, problem.hint);
  return guarded(path, defineCodec(value as CodecDefinition));
}

const CODEC_MEMBERS: readonly [name: string, type: string, hint: string][] = [
  ['name', 'string', "write name: 'my-protocol'"],
  ['summary', 'string', 'write one line of text'],
  ['pipelines', 'boolean', 'write pipelines: true if replies come in the order of requests, else false'],
  ['encodeRequest', 'function', 'write encodeRequest(request) { return /* a Uint8Array */; }'],
  ['createReplyParser', 'function', 'write createReplyParser(options) { return /* a ReplyParser */; }'],
];

const PARSER_MEMBERS: readonly [name: keyof ReplyParser, type: string][] = [
  ['feed', 'function'],
  ['endOfStream', 'function'],
  ['midMessage', 'function'],
  ['reset', 'function'],
  ['expectNoBody', 'function'],
  ['next', 'number'],
  ['status', 'number'],
  ['wrongReason', 'string'],
  ['problem', 'string'],
  ['body', 'object'],
  ['headerText', 'string'],
];

function checkedCodec(path: string, members: Record<string, unknown>): Codec {
  for (const [name, type, hint] of CODEC_MEMBERS) {
    const kind = kindOf(members[name]);
    if (typeof members[name] !== type) fail(path, `${name} is ${kind}, not a ${type}`, hint);
  }
  const codec = members as unknown as Codec;
  let parser: Record<string, unknown> | undefined;
  try {
    parser = codec.createReplyParser({ connectionLimit: 1 }) as unknown as Record<string, unknown>;
  } catch (error) {
    fail(
      path,
      `createReplyParser({ connectionLimit: 1 }) threw ${String(error)}`,
      'it must return a ReplyParser',
    );
  }
  if (typeof parser !== 'object' || parser === null) {
    fail(path, `createReplyParser returned ${kindOf(parser)}`, 'it must return a ReplyParser');
  }
  for (const [name, type] of PARSER_MEMBERS) {
    if (typeof parser[name] === type) continue;
    const kind = kindOf(parser[name]);
    const hint =
      'see docs/reference/codecs.md, or export { name, encodeRequest, replyLength } and have it made';
    fail(
      path,
      `createReplyParser: the parser's ${name} is ${kind}, not ${type === 'object' ? 'an' : 'a'} ${type}`,
      hint,
    );
  }
  return codec;
}

/** The user's encodeRequest, its result checked and its failures named. */
function guarded(path: string, codec: Codec): Codec {
  return {
    name: codec.name,
    summary: codec.summary,
    pipelines: codec.pipelines,
    createReplyParser: (options) => codec.createReplyParser(options),
    encodeRequest(request) {
      let bytes: Uint8Array;
      try {
        bytes = codec.encodeRequest(request);
      } catch (error) {
        if (error instanceof LoopscopeError) throw error;
        fail(path, `encodeRequest threw ${String(error)}`, 'correct the file', error);
      }
      if (!(bytes instanceof Uint8Array)) {
        fail(
          path,
          `encodeRequest returned ${kindOf(bytes)}, not a Uint8Array`,
          'return a Uint8Array or a Buffer',
        );
      }
      if (bytes.length === 0)
        fail(path, 'encodeRequest returned no bytes', 'a request has at least one byte');
      return bytes;
    },
  };
}

function importError(path: string, error: unknown): LoopscopeError {
  const { code, message } = error as { code?: string; message?: string };
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return new LoopscopeError(
      'USAGE',
      `--codec: ${path} uses TypeScript that Node cannot strip: ${message}`,
      'write no enum, namespace or parameter property',
      error,
    );
  }
  if (error instanceof SyntaxError || code === 'ERR_INVALID_TYPESCRIPT_SYNTAX') {
    return new LoopscopeError(
      'USAGE',
      `--codec: ${path} is not valid ${path.endsWith('ts') ? 'TypeScript' : 'JavaScript'}: ${message}`,
      `see where with: loopscope-node ${path}`,
      error,
    );
  }
  const hint =
    missingImportHint(error) ??
    `the file must load by itself: see what is wrong with: loopscope-node ${path}`;
  return new LoopscopeError(
    'USAGE',
    `--codec: ${path} could not be loaded: ${String(message ?? error)}`,
    hint,
    error,
  );
}

function fail(path: string, what: string, hint: string, cause?: unknown): never {
  throw new LoopscopeError('USAGE', `--codec: ${path}: codec: ${what}`, hint, cause);
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
