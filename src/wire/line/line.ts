import { LoopscopeError } from '../../base/errors.ts';
import type { Codec, RequestOptions } from '../codec.ts';
import {
  type BuiltInCodec,
  badValue,
  bytesOption,
  numberOption,
  type OptionValues,
} from '../codec-options.ts';
import { DEFAULT_LINE_FORMAT, type LineFormat, LineParser } from './line-parser.ts';

const MAX_TERMINATOR_BYTES = 16;

/** One line asks, one line answers: line-based protocols of every kind. */
export const line = {
  name: 'line',
  summary: 'text lines: one asks, one answers',
  pipelines: true,
  encodeRequest: (request) => encodeLine(request, DEFAULT_LINE_FORMAT),
  createReplyParser: (options) => new LineParser(options, DEFAULT_LINE_FORMAT),
  options: [
    {
      name: 'terminator',
      values: 'text with \\r \\n \\t \\0 \\xHH',
      summary: 'what ends a request and a reply; \\n when absent',
    },
    { name: 'max', values: 'bytes', summary: 'longest reply; 1 MiB when absent' },
  ],
  withOptions,
} satisfies BuiltInCodec;

function withOptions(values: OptionValues): Codec {
  const terminator = bytesOption('line', values, 'terminator') ?? DEFAULT_LINE_FORMAT.terminator;
  if (terminator.length === 0 || terminator.length > MAX_TERMINATOR_BYTES) {
    badValue('line', 'terminator', values.get('terminator')!, `write 1 to ${MAX_TERMINATOR_BYTES} bytes`);
  }
  const maxLineBytes = numberOption('line', values, 'max') ?? DEFAULT_LINE_FORMAT.maxLineBytes;
  if (maxLineBytes < 1) badValue('line', 'max', String(maxLineBytes), 'write 1 or more');
  const format = { terminator, maxLineBytes };
  return {
    ...line,
    encodeRequest: (request) => encodeLine(request, format),
    createReplyParser: (options) => new LineParser(options, format),
  };
}

/** The text and its terminator, unless it brings that itself. */
function encodeLine(request: RequestOptions, format: LineFormat): Uint8Array {
  const text = Buffer.from(request.body ?? new Uint8Array(0));
  const terminator = Buffer.from(format.terminator);
  const first = text.indexOf(terminator);
  if (first >= 0 && first !== text.length - terminator.length) {
    throw new LoopscopeError(
      'USAGE',
      '--body: the text holds the line terminator, so it would be several requests',
      'write one line, or choose another --codec line:terminator=',
    );
  }
  return new Uint8Array(Buffer.concat(first < 0 ? [text, terminator] : [text]));
}
