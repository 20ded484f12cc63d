/** Static routes: a path, and the fixed reply to it. Plain data, so that a master can hand it to its workers. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as v from 'valibot';
import { LoopscopeError } from '../../base/errors.ts';

export type Route = {
  /** As it stands in the request, without the query; "*" answers what no other route does. */
  path: string;
  status: number;
  contentType: string;
  /** The body; in base64, for JSON's sake. */
  body64: string;
};

const TEXT = 'text/plain; charset=utf-8';
const LONGEST_BODY_BYTES = 16 << 20;
const MOST_ROUTES = 10_000;
/** Visible ASCII: a path goes into no header, but must be one that a request can carry. */
const PATH = /^(\*|\/[!-~]*)$/;
const HEADER_VALUE = /^[!-~](?:[ -~]*[!-~])?$/;

const shape = v.record(
  v.pipe(v.string(), v.regex(PATH, 'a path begins with "/" and has no blanks; or it is "*"')),
  v.union([
    v.string(),
    v.strictObject({
      status: v.optional(v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599)), 200),
      type: v.optional(v.pipe(v.string(), v.regex(HEADER_VALUE, 'not a content type')), TEXT),
      body: v.optional(v.string()),
      /** A file, relative to the routes file. */
      file: v.optional(v.string()),
      /** A body of so many bytes, all "x". */
      bytes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LONGEST_BODY_BYTES))),
    }),
  ]),
);

/** "/path=body" → a route with status 200. Throws USAGE naming the option. */
export function parseRoute(text: string): Route {
  const equals = text.indexOf('=');
  const path = text.slice(0, equals);
  if (equals < 1 || !PATH.test(path)) {
    throw new LoopscopeError(
      'USAGE',
      `--route: "${text}" is not PATH=BODY`,
      'for instance --route /ping=pong',
    );
  }
  return makeRoute(path, 200, TEXT, new TextEncoder().encode(text.slice(equals + 1)));
}

/**
 * Reads a routes file: a JSON object of paths, each with its body or { status, type, body | file | bytes }. Throws
 * FILE_UNREADABLE, or USAGE saying what is wrong where.
 */
export function readRoutesFile(path: string): Route[] {
  const parsed = v.safeParse(shape, readJson(path));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    // Of a value that fits neither form, what is wrong with the longer one says more.
    const inner = issue.issues?.find((part) => part.path !== undefined);
    const steps = [...(issue.path ?? []), ...(inner?.path ?? [])].map((step) => String(step.key));
    const where = steps.join(' → ') || 'the file';
    throw new LoopscopeError('USAGE', `--routes ${path}: ${where}: ${(inner ?? issue).message}`, EXAMPLE);
  }
  const entries = Object.entries(parsed.output);
  if (entries.length > MOST_ROUTES) {
    throw new LoopscopeError('USAGE', `--routes ${path}: more than ${MOST_ROUTES} routes`);
  }
  return entries.map(([route, value]) => {
    if (typeof value === 'string') return makeRoute(route, 200, TEXT, new TextEncoder().encode(value));
    const given = [value.body, value.file, value.bytes].filter((part) => part !== undefined).length;
    if (given > 1) {
      throw new LoopscopeError(
        'USAGE',
        `--routes ${path}: ${route}: body, file and bytes exclude each other`,
      );
    }
    const body =
      value.file !== undefined
        ? readBytes(resolve(dirname(path), value.file))
        : value.bytes !== undefined
          ? new Uint8Array(value.bytes).fill(120)
          : new TextEncoder().encode(value.body ?? '');
    return makeRoute(route, value.status, value.type, body);
  });
}

const EXAMPLE =
  'for instance { "/ping": "pong", "/big": { "bytes": 65536 }, "*": { "status": 404, "body": "no" } }';

function makeRoute(path: string, status: number, contentType: string, body: Uint8Array): Route {
  if (body.length > LONGEST_BODY_BYTES) {
    throw new LoopscopeError('USAGE', `the body of ${path} is longer than ${LONGEST_BODY_BYTES >> 20} MiB`);
  }
  return { path, status, contentType, body64: Buffer.from(body).toString('base64') };
}

function readJson(path: string): unknown {
  const bytes = readBytes(path);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new LoopscopeError('USAGE', `--routes ${path}: not JSON: ${(error as Error).message}`, EXAMPLE);
  }
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new LoopscopeError('FILE_UNREADABLE', `${path}: ${code}`, 'is the path right, and readable?');
  }
}
