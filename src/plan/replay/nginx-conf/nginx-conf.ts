/** Which log_format a log was written in, by nginx's own configuration. */
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { LoopscopeError } from '../../../base/errors.ts';
import { nearMiss } from '../../../base/input/near-miss.ts';
import { printable } from '../../../base/printable.ts';
import { directivesOf } from './directives.ts';

export type NginxConf = {
  path: string;
  /** By name, as it is given to --format: "escape=json {…}". */
  formats: ReadonlyMap<string, string>;
  /** Where access_log writes, and in which format. */
  logs: readonly { path: string; format: string }[];
};

const COMBINED = 'combined';
/** The one that nginx has by itself. */
const COMBINED_TEXT =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';
/** Files that include one another end somewhere. */
const FILES_MAX = 1000;

/** Reads it with all that it includes. Throws FILE_UNREADABLE, naming the file. */
export function readNginxConf(path: string): NginxConf {
  const formats = new Map([[COMBINED, COMBINED_TEXT]]);
  const logs: { path: string; format: string }[] = [];
  const waiting = [resolve(path)];
  const seen = new Set<string>();
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    if (seen.has(file)) continue;
    if (seen.size === FILES_MAX) throw unreadable(path, `it includes more than ${FILES_MAX} files`);
    seen.add(file);
    for (const { words } of directivesOf(read(file))) {
      const [name, first, ...rest] = words;
      if (first === undefined) continue;
      if (name === 'include') waiting.push(...included(first, dirname(resolve(path))));
      if (name === 'log_format') formats.set(first, formatText(rest));
      if (name === 'access_log' && first !== 'off') logs.push({ path: first, format: rest[0] ?? COMBINED });
    }
  }
  return { path, formats, logs };
}

/**
 * The log_format of that name; without one, that of the access_log which wrote `files`, or the only one that is used.
 * Throws USAGE when there is no such one, or more than one.
 */
export function logFormatOf(conf: NginxConf, name: string | undefined, files: readonly string[]): string {
  const { formats, logs } = conf;
  if (name !== undefined) return textOf(conf, name);
  const ofFiles = logs.filter(({ path }) => files.some((file) => isOf(file, path)));
  const names = [...new Set((ofFiles.length > 0 ? ofFiles : logs).map(({ format }) => format))];
  const [only = COMBINED, ...more] = names;
  if (more.length === 0) return textOf(conf, only);
  throw new LoopscopeError(
    'USAGE',
    `${printable(conf.path)} writes logs in ${names.length} formats: ${names.map((each) => printable(each, 40)).join(', ')}`,
    `say which this log is in: --format ${printable(names.find((each) => formats.has(each)) ?? only, 40)}`,
  );
}

function textOf({ path, formats }: NginxConf, name: string): string {
  const text = formats.get(name);
  if (text !== undefined) return text;
  const names = [...formats.keys()];
  const near = nearMiss(name, names);
  throw new LoopscopeError(
    'USAGE',
    `${printable(path)} has no log_format "${printable(name, 60)}"`,
    `${near === null ? '' : `did you mean ${near}? `}there are ${names.map((each) => printable(each, 40)).join(', ')}`,
  );
}

/** "access.log.2.gz" was written as "/var/log/nginx/access.log". */
function isOf(file: string, logPath: string): boolean {
  const name = basename(file);
  const written = basename(logPath);
  return name === written || name.startsWith(`${written}.`) || name.startsWith(`${written}-`);
}

/** 'escape=json' '{"a":"$b",' '"c":"$d"}': the texts belong together. */
function formatText(words: readonly string[]): string {
  const [first = '', ...rest] = words;
  return first.startsWith('escape=') ? `${first} ${rest.join('')}` : words.join('');
}

function included(pattern: string, folder: string): string[] {
  const path = resolve(folder, pattern);
  return /[*?[]/.test(pattern) ? globSync(path).sort() : [path];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(path, (error as Error).message);
  }
}

function unreadable(path: string, why: string): LoopscopeError {
  return new LoopscopeError(
    'FILE_UNREADABLE',
    `${printable(path)} cannot be read: ${printable(why, 200)}`,
    "give --nginx-conf the file that nginx reads first (nginx -t tells it), or --format the log_format's text",
  );
}
