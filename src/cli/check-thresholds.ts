/** Thresholds that the run to come could not answer are refused before it, where that can be known. */
import { LoopscopeError } from '../base/errors.ts';
import { nearMiss } from '../base/input/near-miss.ts';
import { printable } from '../base/printable.ts';
import { CHECKS } from '../diagnose/self/registry.ts';
import type { Threshold } from '../diagnose/thresholds/threshold.ts';

const SHOWN_COUNT = 10;

/** `kindNames`: of the requests that will be sent. Throws USAGE naming the threshold, what there is, and what is near. */
export function refuseUnknownNames(
  thresholds: readonly Threshold[],
  kindNames: readonly string[],
  option = '--fail-if',
): void {
  refuseUnknownChecks(thresholds, option);
  for (const { text, kind } of thresholds) {
    const where = `${option} '${printable(text, 100)}'`;
    if (kind === null || (kindNames.length > 1 && kindNames.includes(kind))) continue;
    const wanted = printable(kind, 40);
    if (kindNames.length <= 1) {
      throw new LoopscopeError(
        'USAGE',
        `${where}: there is no kind of request "${wanted}": all requests are of one kind`,
        `leave out ${wanted}.`,
      );
    }
    const shown = kindNames.slice(0, SHOWN_COUNT).map((name) => printable(name, 40));
    const more = kindNames.length > SHOWN_COUNT ? ` and ${kindNames.length - SHOWN_COUNT} more` : '';
    throw unknown(
      `${where}: there is no kind of request "${wanted}"; there are ${shown.join(', ')}${more}`,
      kind,
      kindNames,
    );
  }
}

/** The part of it that holds before the kinds of requests are known: a log tells its routes last. */
export function refuseUnknownChecks(thresholds: readonly Threshold[], option = '--fail-if'): void {
  for (const { text, figure } of thresholds) {
    if (figure.type !== 'self' || figure.check === null) continue;
    refuseUnknownCheck(`${option} '${printable(text, 100)}'`, figure.check);
  }
}

function refuseUnknownCheck(where: string, check: string): void {
  const names = CHECKS.map(({ name }) => name);
  if (names.includes(check)) return;
  throw unknown(`${where}: there is no self-check "${printable(check, 40)}"`, check, names);
}

function unknown(message: string, word: string, names: readonly string[]): LoopscopeError {
  const near = nearMiss(word, names);
  const typed = near !== null && /^[\w-]+$/.test(near) ? near : `"${near}"`;
  return new LoopscopeError('USAGE', message, near === null ? '' : `did you mean ${typed}?`);
}
