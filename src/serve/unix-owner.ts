/** Owner and mode of a socket file, as typed. */
import { readFileSync } from 'node:fs';
import { LoopscopeError } from '../base/errors.ts';

const MOST_ID = 2 ** 32 - 2;
/** chown(2): leave it as it is. */
const UNCHANGED = -1;

/** "660" or "0660" → 0o660. Throws USAGE. */
export function parseUnixMode(text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) {
    throw new LoopscopeError('USAGE', `--unix-mode: "${text}" is not a mode`, 'for instance --unix-mode 660');
  }
  return Number.parseInt(text, 8);
}

/** "www-data", "www-data:adm", ":adm" or numbers → ids. Throws USAGE. */
export function parseUnixOwner(text: string): { uid: number; gid: number } {
  const match = /^([^:]*)(?::([^:]+))?$/.exec(text);
  const [, user = '', group = ''] = match ?? [];
  if (!match || (user === '' && group === '')) {
    throw new LoopscopeError(
      'USAGE',
      `--unix-owner: "${text}" is not USER:GROUP`,
      'for instance --unix-owner www-data:www-data, or :adm for the group alone',
    );
  }
  return {
    uid: user === '' ? UNCHANGED : idOf(user, '/etc/passwd', 'user'),
    gid: group === '' ? UNCHANGED : idOf(group, '/etc/group', 'group'),
  };
}

function idOf(name: string, path: string, what: string): number {
  if (/^\d{1,10}$/.test(name) && Number(name) <= MOST_ID) return Number(name);
  let lines: string[] = [];
  try {
    lines = readFileSync(path, 'utf8').split('\n');
  } catch {
    // Without the file there are numbers still: the message says so.
  }
  const fields = lines.map((line) => line.split(':')).find(([first]) => first === name);
  const id = Number(fields?.[2]);
  if (!fields || !Number.isInteger(id)) {
    throw new LoopscopeError('USAGE', `--unix-owner: no ${what} "${name}" in ${path}`, 'a number does too');
  }
  return id;
}
