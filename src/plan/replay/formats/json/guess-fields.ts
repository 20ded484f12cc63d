/** What --fields might say of a JSON line that no format knows: a proposal to be read by a person. */
import { printable } from '../../../../base/printable.ts';
import type { JsonField } from './json-parser.ts';

/** Last parts of keys by which people call a field, without case, dots, dashes and underscores; the likeliest first. */
const CALLED: readonly [JsonField, readonly string[]][] = [
  ['start', ['starttime', 'startutc', 'startedat', 'start']],
  ['time', ['time', 'timestamp', 'ts', 'msec', 'timeiso8601', 'timelocal', 'datetime', 'date', 't']],
  [
    'duration',
    ['duration', 'requesttime', 'responsetime', 'latency', 'took', 'elapsed', 'durationms', 'latencyms'],
  ],
  ['request', ['request', 'requestline']],
  ['method', ['method', 'requestmethod', 'httpmethod', 'verb']],
  ['path', ['uri', 'requesturi', 'url', 'path', 'requestpath', 'originalurl', 'httppath']],
  ['status', ['status', 'statuscode', 'responsecode', 'code', 'httpstatus']],
  ['bytes', ['bytes', 'bodybytessent', 'bytessent', 'size', 'contentlength', 'length']],
  ['client', ['remoteaddr', 'remoteip', 'clientip', 'client', 'ip', 'remoteaddress', 'addr']],
  ['port', ['remoteport', 'clientport']],
  ['connection', ['connection', 'conn', 'connectionid']],
  ['host', ['host', 'httphost', 'authority', 'servername']],
];

/** Looked at no deeper, and no more of. */
const DEPTH_MAX = 4;
const KEYS_MAX = 200;

/** "time=ts,method=req.method,path=req.url,…" for one line; null when it does not say when, how and what. */
export function guessFields(line: string): string | null {
  const keys = keysOf(line);
  const named = new Map<JsonField, string>();
  const taken = new Set<string>();
  for (const [field, names] of CALLED) {
    const key = names
      .map((name) => keys.find(({ path, called }) => called === name && !taken.has(path)))
      .find(Boolean);
    if (key === undefined || (field === 'time' && named.has('start'))) continue;
    if (field === 'request' && !/^[A-Z]+ /.test(String(key.value))) continue;
    const word = field === 'duration' ? `duration:${unitOf(key)}` : field;
    named.set(field, `${word}=${key.path}`);
    taken.add(key.path);
  }
  const isWhole = named.has('request') || (named.has('method') && named.has('path'));
  if (!isWhole || !(named.has('start') || named.has('time'))) return null;
  if (named.has('request')) for (const field of ['method', 'path'] as const) named.delete(field);
  return printable([...named.values()].join(','), 300);
}

type Key = { path: string; called: string; value: unknown };

function keysOf(line: string): Key[] {
  const keys: Key[] = [];
  const visit = (value: unknown, path: string, depth: number) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const called = path.slice(path.lastIndexOf('.') + 1);
      // A comma would end it.
      if (keys.length < KEYS_MAX && !path.includes(',')) keys.push({ path, called: plain(called), value });
      return;
    }
    if (depth === DEPTH_MAX) return;
    for (const [key, below] of Object.entries(value))
      visit(below, path === '' ? key : `${path}.${key}`, depth + 1);
  };
  try {
    visit(JSON.parse(line), '', 0);
  } catch {
    return [];
  }
  return keys;
}

function plain(key: string): string {
  return key.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** By its name, else by what it looks like: seconds have a fraction. */
function unitOf({ called, value }: Key): string {
  const byName = /(ms|us|ns)$/.exec(called)?.[1];
  if (byName !== undefined) return byName;
  return /^\d*\.\d/.test(String(value)) ? 's' : 'ms';
}
