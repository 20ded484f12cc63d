/** What --body and --body-file stand for, as bytes: text, a file, or standard input. */
import { createReadStream } from 'node:fs';
import { LoopscopeError } from '../base/errors.ts';
import { formatBytes } from '../base/units.ts';

type BodyFlags = { body?: string; bodyFile?: string };

/** Where bytes come from; for tests. */
export type BodySources = {
  stdin: AsyncIterable<Uint8Array>;
  file(path: string): AsyncIterable<Uint8Array>;
  /** Reading stops there: a device, or a pipe, may never end. */
  limitBytes: number;
};

const SOURCES: BodySources = {
  get stdin() {
    return process.stdin;
  },
  file: (path) => createReadStream(path),
  limitBytes: 64 * 1024 * 1024,
};

/**
 * `--body TEXT`, `--body @FILE`, `--body -` for standard input, or `--body-file FILE`; null without any. Files are taken
 * byte for byte. Throws USAGE for two of them or too long a one, FILE_UNREADABLE.
 */
export async function readBody(
  { body, bodyFile }: BodyFlags,
  sources: BodySources = SOURCES,
): Promise<Uint8Array | null> {
  if (body !== undefined && bodyFile !== undefined) {
    throw new LoopscopeError('USAGE', '--body: --body-file is given too', 'leave one out');
  }
  if (bodyFile !== undefined) return collect('--body-file', bodyFile, sources);
  if (body === '-') return collect('--body', '-', sources);
  if (body?.startsWith('@')) return collect('--body', body.slice(1), sources);
  return body === undefined ? null : Buffer.from(body);
}

async function collect(option: string, name: string, sources: BodySources): Promise<Uint8Array> {
  if (name === '') {
    throw new LoopscopeError(
      'USAGE',
      `${option}: no file is named after @`,
      'write --body @FILE; text that begins with @ is sent from a file',
    );
  }
  const isStdin = name === '-' && option === '--body';
  const shown = isStdin ? 'standard input' : name;
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  try {
    for await (const chunk of isStdin ? sources.stdin : sources.file(name)) {
      byteCount += chunk.length;
      if (byteCount > sources.limitBytes) throw tooLong(option, shown, sources.limitBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof LoopscopeError) throw error;
    throw new LoopscopeError(
      'FILE_UNREADABLE',
      `${option}: cannot read ${shown}: ${whyOf(error)}`,
      option === '--body' && !isStdin ? 'text that begins with @ names a file; send such text from one' : '',
      error,
    );
  }
  return Buffer.concat(chunks);
}

function tooLong(option: string, shown: string, limitBytes: number): LoopscopeError {
  return new LoopscopeError(
    'USAGE',
    `${option}: ${shown} has more than ${formatBytes(limitBytes)}, the most that one request carries`,
    'send a part of it',
  );
}

function whyOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  return code === 'EISDIR' ? 'it is a directory' : String(code ?? error);
}
