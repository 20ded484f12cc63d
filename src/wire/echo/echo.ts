import { LoopscopeError } from '../../base/errors.ts';
import type { Codec, RequestOptions } from '../codec.ts';
import { type BuiltInCodec, flagOption, type OptionValues } from '../codec-options.ts';
import { EchoParser } from './echo-parser.ts';

/** Servers that send back what they get: the reply is as long as the request. */
export const echo = {
  name: 'echo',
  summary: 'the server sends back what it gets',
  pipelines: true,
  encodeRequest,
  createReplyParser: (options) => new EchoParser(options, false),
  options: [
    {
      name: 'compare',
      values: 'yes or no',
      summary: 'a reply that differs from its request is wrong; no when absent',
    },
  ],
  withOptions,
} satisfies BuiltInCodec;

function withOptions(values: OptionValues): Codec {
  const compares = flagOption('echo', values, 'compare');
  return { ...echo, createReplyParser: (options) => new EchoParser(options, compares) };
}

function encodeRequest(request: RequestOptions): Uint8Array {
  const body = request.body ?? new Uint8Array(0);
  if (body.length === 0) {
    throw new LoopscopeError(
      'USAGE',
      '--body: an echo needs at least one byte',
      'add for instance --body ping',
    );
  }
  return new Uint8Array(body);
}
