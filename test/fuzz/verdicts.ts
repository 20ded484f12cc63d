/** What two parsers make of the first reply in some bytes: ours, and the one inside Node (llhttp). */
import { createRequire } from 'node:module';
import { PARSED } from '../../src/wire/codec.ts';
import { Http1ReplyParser } from '../../src/wire/http1/http1-reply.ts';

export type Verdict = {
  /** whole: the first final reply is complete; cut: it is not, and the stream has ended; bad: it is refused. */
  end: 'whole' | 'cut' | 'bad' | 'none';
  status: number;
  bodyBytes: number;
  /** Of a whole reply: may the connection carry another one? */
  keepsAlive: boolean;
  /** Why it was refused. */
  reason: string;
  /** Of a whole reply: where it ends. */
  usedBytes: number;
};

const NOTHING: Verdict = {
  end: 'none',
  status: 0,
  bodyBytes: 0,
  keepsAlive: false,
  reason: '',
  usedBytes: 0,
};

const CAPTURE_BYTES = 64 * 1024;

export function ourVerdict(bytes: Uint8Array, noBody: boolean): Verdict {
  const parser = new Http1ReplyParser({ connectionLimit: 1, captureBytes: CAPTURE_BYTES });
  if (noBody) parser.expectNoBody(0);
  const verdict: Verdict = { ...NOTHING };
  let parsed = bytes.length === 0 ? PARSED.more : parser.feed(0, bytes, 0, bytes.length);
  const midMessage = parser.midMessage(0);
  if (parsed === PARSED.more) {
    parsed = parser.endOfStream(0);
    if (parsed === PARSED.bad) return { ...verdict, end: 'cut' };
  }
  if (parsed === PARSED.bad) return { ...verdict, end: 'bad', reason: parser.problem };
  if (parsed === PARSED.more) return midMessage ? { ...verdict, end: 'cut' } : verdict;
  return {
    ...verdict,
    end: 'whole',
    status: parser.status,
    bodyBytes: parser.body.length,
    keepsAlive: parsed === PARSED.message,
    usedBytes: parser.next,
  };
}

type NodeParser = {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void;
  execute(bytes: Uint8Array): number | NodeParserError;
  finish(): NodeParserError | undefined;
  [callback: number]: unknown;
};
type NodeParserError = Error & { code: string; reason: string };
type NodeParserClass = { new (): NodeParser } & Record<
  'RESPONSE' | 'kOnHeadersComplete' | 'kOnBody' | 'kOnMessageComplete' | 'kOnHeaders',
  number
>;

/** Node's own parser, or null in a Node that does not offer it. */
export function nodeParserClass(): NodeParserClass | null {
  try {
    return createRequire(import.meta.url)('node:_http_common').HTTPParser ?? null;
  } catch {
    return null;
  }
}

const SKIP_BODY = 1;
/** Positions in what kOnHeadersComplete is called with. */
const STATUS_CODE = 5;
const SHOULD_KEEP_ALIVE = 8;

export function nodeVerdict(HTTPParser: NodeParserClass, bytes: Uint8Array, noBody: boolean): Verdict {
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.RESPONSE, {}, 0, 0);
  const verdict: Verdict = { ...NOTHING };
  let status = 0;
  let keepsAlive = false;
  let bodyBytes = 0;
  parser[HTTPParser.kOnHeaders] = () => {};
  parser[HTTPParser.kOnHeadersComplete] = (...facts: unknown[]) => {
    status = facts[STATUS_CODE] as number;
    keepsAlive = facts[SHOULD_KEEP_ALIVE] as boolean;
    bodyBytes = 0;
    return noBody && status >= 200 ? SKIP_BODY : 0;
  };
  parser[HTTPParser.kOnBody] = (piece: Uint8Array) => {
    bodyBytes += piece.length;
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    if (verdict.end === 'whole' || (status < 200 && status !== 101)) return;
    Object.assign(verdict, { end: 'whole', status, bodyBytes, keepsAlive });
  };
  const result = parser.execute(bytes);
  if (verdict.end === 'whole') return verdict;
  if (typeof result !== 'number') return { ...verdict, end: 'bad', reason: result.code };
  const finished = parser.finish();
  // Set by a callback, which the compiler does not see.
  if ((verdict.end as Verdict['end']) === 'whole') return verdict;
  if (finished) return { ...verdict, end: 'cut' };
  return verdict;
}
