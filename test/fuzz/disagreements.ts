/** Names for where two verdicts on the same bytes differ: the rows of docs/reference/http1-replies.md. */
import { PROBLEM } from '../../src/wire/codec.ts';
import type { Verdict } from './verdicts.ts';

/** Null when both say the same. */
export function disagreement(text: string, noBody: boolean, ours: Verdict, node: Verdict): string | null {
  if (ours.end === 'whole' && node.end === 'whole') {
    if (ours.status !== node.status) return 'another status';
    if (ours.bodyBytes !== node.bodyBytes) return 'another body';
    if (ours.keepsAlive === node.keepsAlive) return null;
    if (ours.keepsAlive) return `keeps: ${noBody ? 'no body to HEAD' : OTHER_CAUSE}`;
    return `closes: ${closingCauseOf(text)}`;
  }
  if (ours.end === node.end) return null;
  // An unfinished header block: it fails either way, and only the moment differs.
  if (ours.end === 'cut' && node.end === 'bad') return 'judges late: unfinished header block';
  if (ours.end === 'cut' && node.end === 'none') return 'waits: interim reply alone';
  if (ours.end === 'whole' && node.end === 'bad') return `accepts: ${causeOf(text, ours)}`;
  if (ours.end === 'bad') return `refuses: ${refusalOf(text, ours)}`;
  return `${ours.end}, and Node says ${node.end}`;
}

/** What in a reply that we take is special; the first that is found. */
function causeOf(text: string, ours: Verdict): string {
  const reply = text.slice(0, ours.usedBytes || text.length);
  const used = reply.replace(INTERIM, '');
  const head = /^[\s\S]*?\n\r?\n/.exec(used)?.[0] ?? used;
  const body = used.slice(head.length);
  const heads = reply.slice(0, reply.length - body.length);
  if (/^HTTP\/1\.[2-9]/.test(head)) return 'later version';
  if (/\n[ \t]/.test(heads)) return 'folded line';
  if (/(^|[^\r])\n/.test(heads)) return 'bare LF';
  const lengths = [...head.matchAll(/\ncontent-length:(.*)/gi)];
  if (/\ntransfer-encoding:[ \t]*\r/i.test(head)) return 'empty coding';
  if (lengths.length > 0 && /\ntransfer-encoding:/i.test(head)) return 'length and coding';
  if (lengths.length > 1) return 'repeated length';
  if (lengths.some((match) => match[1]!.includes(','))) return 'list of lengths';
  if (/^HTTP\/1\.0/.test(head) && /\ntransfer-encoding:/i.test(head)) return 'coding in HTTP/1.0';
  if (/(^|[^\r])\n/.test(body)) return 'bare LF in a trailer';
  if (/(^|\n)[0-9a-f]+[ \t]+(\r|;)/i.test(body)) return 'blank after a chunk size';
  if (/(^|\n)[0-9a-f]+;/i.test(body)) return 'chunk extension';
  if (/(^|\n)0+\r\n[\s\S]*\n[ \t]/.test(body)) return 'folded trailer';
  return OTHER_CAUSE;
}

function closingCauseOf(text: string): string {
  if (/^HTTP\/1\.0[\s\S]*?\ntransfer-encoding:/i.test(text)) return 'coding in HTTP/1.0';
  const both = /\nconnection:.*close/i.test(text) && /\nconnection:.*keep-alive/i.test(text);
  return both ? 'close and keep-alive' : OTHER_CAUSE;
}

const INTERIM = /^(HTTP\/1\.\d 1(?!01)\d\d[\s\S]*?\n\r?\n)+/;
export const OTHER_CAUSE = 'something else';

function refusalOf(text: string, ours: Verdict): string {
  if (ours.reason !== PROBLEM.notHttp) return ours.reason;
  const rest = text.replace(INTERIM, '');
  if (/^[\r\n]/.test(rest)) return 'empty line before a status line';
  if (/^HTTP\/[02-9]/.test(rest)) return 'another version';
  if (/^(RTSP|ICE)\//.test(rest)) return 'another protocol';
  if (/^HTTP\/1\.\d 0/.test(rest)) return 'status below 100';
  return INTERIM.test(text) ? 'content after an interim reply' : OTHER_CAUSE;
}
