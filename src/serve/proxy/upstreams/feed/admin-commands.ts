/**
 * What the admin socket understands: a line is a command, answered with lines of which the last begins with "ok" or
 * "error". Text, so that socat and a shell will do.
 */
import { LoopscopeError } from '../../../../base/errors.ts';
import { printable } from '../../../../base/printable.ts';
import type { Roster } from '../rows/roster.ts';
import { HEALTH, type Health } from '../rows/upstream-rows.ts';
import { parseUpstream } from '../upstream-spec.ts';

/** Rows looked at for one piece of a listing. */
const LIST_BATCH = 256;

const HEALTH_WORD: Record<Health, string> = {
  [HEALTH.unknown]: 'unchecked',
  [HEALTH.up]: 'up',
  [HEALTH.down]: 'down',
};

/** Answers one line, in pieces of bounded work. Each piece ends with a newline. */
export function* answer(roster: Roster, line: string): Generator<string> {
  const [command = '', ...words] = line.trim().split(/[ \t]+/);
  try {
    if (command === 'list') {
      if (words.length > 0) throw wrong('list takes nothing', 'type list alone');
      yield* list(roster);
    } else {
      change(roster, command, words);
    }
    yield `ok, ${roster.count} upstreams\n`;
  } catch (error) {
    if (!(error instanceof LoopscopeError)) throw error;
    yield `error: ${error.message}${error.hint === '' ? '' : ` (${error.hint})`}\n`;
  }
}

function* list(roster: Roster): Generator<string> {
  let piece = '';
  for (let row = 0; row < roster.rowCount; row++) {
    const upstream = roster.at(row);
    if (upstream) {
      const state = upstream.draining ? 'draining' : HEALTH_WORD[upstream.health];
      piece += `${upstream.name} weight=${upstream.weight} ${state}\n`;
    }
    if ((row + 1) % LIST_BATCH > 0) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

function change(roster: Roster, command: string, words: readonly string[]): void {
  const [name = '', value] = words;
  if (command === 'add') roster.add(parseUpstream(words.join(' ')));
  else if (command === 'remove' && words.length === 1) roster.remove(parseUpstream(name).name);
  else if (command === 'drain' && words.length === 1) roster.drain(parseUpstream(name).name);
  else if (command === 'weight' && words.length === 2) {
    const spec = parseUpstream(`${name} weight=${value}`);
    roster.reweigh(spec.name, spec.weight);
  } else throw wrong(`"${printable([command, ...words].join(' '), 60)}" is no command`, FORMS);
}

const FORMS = 'list, add ADDRESS [weight=N], remove ADDRESS, weight ADDRESS N, drain ADDRESS';

function wrong(message: string, hint: string): LoopscopeError {
  return new LoopscopeError('USAGE', message, hint);
}
