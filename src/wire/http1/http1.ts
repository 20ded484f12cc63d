import { LoopscopeError } from '../../base/errors.ts';
import type { Codec, RequestOptions } from '../codec.ts';
import type { BuiltInCodec } from '../codec-options.ts';
import { Http1ReplyParser } from './http1-reply.ts';
import { HTTP_FIELD_VALUE, HTTP_TOKEN } from './http1-words.ts';

/** HTTP/1.1 over any stream; connections are kept alive unless the server closes them. */
export const http1 = {
  name: 'http1',
  summary: 'HTTP/1.1 with keep-alive',
  pipelines: true,
  encodeRequest,
  createReplyParser: (options) => new Http1ReplyParser(options),
  options: [],
  withOptions: (): Codec => http1,
} satisfies BuiltInCodec;

function encodeRequest(request: RequestOptions): Uint8Array {
  const method = request.method ?? 'GET';
  const path = request.path ?? '/';
  if (!HTTP_TOKEN.test(method)) throw new LoopscopeError('USAGE', `--method: "${method}" is not a method`);
  if (!/^[\x21-\x7e]+$/.test(path)) {
    throw new LoopscopeError(
      'USAGE',
      `the path "${path}" has bytes that a request line cannot hold`,
      'percent-encode it: a space is %20; in a scenario {{name|url}} does that to a value',
    );
  }
  const { forward } = request;
  const lines = [`${method} ${forward ? absoluteForm(forward.origin, path) : path} HTTP/1.1`];
  const names = new Set<string>();
  for (const [name, value] of request.headers ?? []) {
    // A line break in a value would be a second header, or a second request.
    if (!HTTP_TOKEN.test(name) || !HTTP_FIELD_VALUE.test(value)) {
      throw new LoopscopeError('USAGE', `--header: "${name}: ${value}" is not a header`, 'write Name: value');
    }
    names.add(name.toLowerCase());
    lines.push(`${name}: ${value}`);
  }
  if (!names.has('host')) lines.splice(1, 0, `Host: ${request.host ?? 'localhost'}`);
  if (forward?.authorization && !names.has('proxy-authorization')) {
    lines.push(`Proxy-Authorization: ${forward.authorization}`);
  }
  const body = request.body ?? new Uint8Array(0);
  if (names.has('transfer-encoding')) {
    throw new LoopscopeError('USAGE', '--header: Transfer-Encoding cannot be set', 'bodies have a length');
  }
  const hasLength = names.has('content-length');
  const needsLength = body.length > 0 || method === 'POST' || method === 'PUT' || method === 'PATCH';
  if (!hasLength && needsLength) lines.push(`Content-Length: ${body.length}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'utf8');
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

/** A path as a proxy is asked for it; what is not of the form of a path stays. RFC 9112 §3.2.2, §3.2.4 */
function absoluteForm(origin: string, path: string): string {
  if (path === '*') return origin;
  return path.startsWith('/') ? origin + path : path;
}
