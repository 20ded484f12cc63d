/** What is typed for a replay, read: pure, and every refusal is USAGE and names the option. */
import { LoopscopeError } from '../../base/errors.ts';
import { nearMiss } from '../../base/input/near-miss.ts';
import { printable } from '../../base/printable.ts';
import { SESSION_KINDS, type SessionKind } from './formats/log-format.ts';
import type { ReplayCondition, ReplayPace, ReplayRewrite } from './replay-options.ts';

const KEYS: readonly ReplayCondition['key'][] = ['method', 'status', 'path'];
const SPEED_MAX = 1e6;

function refusal(option: string, text: string, what: string, hint: string): LoopscopeError {
  return new LoopscopeError('USAGE', `${option}: "${printable(text, 60)}" ${what}`, hint);
}

/** "path=/api/*", "status=5xx,404", "method=GET" → a condition. */
export function parseCondition(text: string, option: string): ReplayCondition {
  const equals = text.indexOf('=');
  const typed = text.slice(0, Math.max(0, equals)).trim().toLowerCase();
  const key = KEYS.find((name) => name === typed);
  if (key === undefined) {
    const near = equals < 0 ? null : nearMiss(typed, KEYS);
    const hint =
      near === null ? `try ${option} 'path=/api/*', status=5xx or method=GET` : `did you mean ${near}?`;
    throw refusal(option, text, 'does not begin with method=, status= or path=', hint);
  }
  const patterns = text
    .slice(equals + 1)
    .split(',')
    .map((pattern) => normalised(key, pattern.trim()));
  const wrong = patterns.find((pattern) => pattern === null || pattern === '');
  if (wrong === undefined) return { key, patterns: patterns as string[] };
  const hint = key === 'path' ? `try ${option} 'path=/api/*'` : `try ${option} status=404 or status=5xx`;
  throw refusal(option, text, `has a ${key} that no request can have`, hint);
}

function normalised(key: ReplayCondition['key'], pattern: string): string | null {
  if (key === 'method') return pattern.toUpperCase();
  if (key === 'path') return pattern.startsWith('/') || pattern.startsWith('*') ? pattern : null;
  const digits = pattern.toLowerCase().replaceAll('x', '?');
  return /^[0-9?*]{1,3}$/.test(digits) ? digits : null;
}

/** "/v1=/v2" → paths that begin with the first begin with the second. */
export function parseRewrite(text: string, option = '--rewrite'): ReplayRewrite {
  const [from = '', to, ...more] = text.split('=');
  const sound = from.startsWith('/') && to !== undefined && more.length === 0 && /^\/?[\x21-\x7e]*$/.test(to);
  // What is left of a path must still begin with a slash.
  if (sound && (to.startsWith('/') || (to === '' && !from.endsWith('/')))) return { from, to };
  throw refusal(option, text, 'is not two beginnings of paths', `try ${option} /v1/=/v2/`);
}

/** "2", "0.5", "max". */
export function parseSpeed(text: string, option = '--speed'): ReplayPace {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === 'max') return { kind: 'max' };
  const match = /^(\d+(?:\.\d+)?|\.\d+)x?$/.exec(trimmed);
  const factor = match ? Number(match[1]) : 0;
  if (factor > 0 && factor <= SPEED_MAX) return { kind: 'speed', factor };
  throw refusal(option, text, 'is not a speed', `try ${option} 2, twice as fast as it was, 0.5 or max`);
}

/** "10%", "0.1" → 0.1. */
export function parseSample(text: string, option = '--sample'): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(text.trim());
  const share = match ? Number(match[1]) / (match[2] ? 100 : 1) : 0;
  if (share > 0 && share <= 1) return share;
  throw refusal(option, text, 'is not a share above 0 and up to 100 %', `try ${option} 10%`);
}

/** "ip", "ip+agent", "ip:port", "connection", "none", "header:X-User". */
export function parseSession(text: string, option = '--session'): { kind: SessionKind; header?: string } {
  const trimmed = text.trim();
  const header = /^header:([!#$%&'*+.^_`|~0-9A-Za-z-]+)$/.exec(trimmed)?.[1];
  if (header !== undefined) return { kind: 'header', header };
  const kind = SESSION_KINDS.find((name) => name === trimmed.toLowerCase() && name !== 'header');
  if (kind !== undefined) return { kind };
  const near = nearMiss(trimmed, SESSION_KINDS);
  const hint =
    near === null || near === 'header' ? `try ${option} ip:port, or header:X-User` : `did you mean ${near}?`;
  throw refusal(option, text, 'does not tell clients apart', hint);
}
