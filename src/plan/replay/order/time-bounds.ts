/** --from and --to. */
import { LoopscopeError } from '../../../base/errors.ts';
import { printable } from '../../../base/printable.ts';

const DAY_SEC = 86_400;

/** A point in time: `clock` by the log's clock, at its next time; `local` in the log's zone; or as it stands. */
export type TimePoint = { kind: 'clock' | 'local' | 'absolute'; sec: number };

const CLOCK = /^([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d)(\.\d+)?)?$/;
const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?\s*(Z|[+-]\d\d:?\d\d)?$/i;

/** "07:04", "07:04:55", "2026-11-29T07:04:55Z", or without a zone. Throws USAGE naming the option. */
export function parseTimePoint(text: string, option: string): TimePoint {
  const clock = CLOCK.exec(text.trim());
  if (clock) {
    const [, hours, minutes, seconds = 0, fraction = 0] = clock;
    const sec = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(fraction);
    if (sec <= DAY_SEC) return { kind: 'clock', sec };
  }
  const iso = ISO.exec(text.trim());
  const [, day, time = '00:00', zone] = iso ?? [];
  const sec = Date.parse(`${day}T${time}${zone ?? 'Z'}`) / 1000;
  if (iso && !Number.isNaN(sec)) return { kind: zone === undefined ? 'local' : 'absolute', sec };
  throw new LoopscopeError(
    'USAGE',
    `${option}: "${printable(text, 60)}" is not a time`,
    `try ${option} 07:04:55, as the log's clock shows it, or ${option} 2026-11-29T07:04:55Z`,
  );
}

export type TimeBounds = { fromSec: number; toSec: number };

/** Both as seconds since 1970, by the first stamp of the log and its zone. Throws USAGE when they are the wrong way round. */
export function resolveBounds(
  from: TimePoint | null,
  to: TimePoint | null,
  firstSec: number,
  zoneSec: number,
): TimeBounds {
  const fromSec = from === null ? Number.NEGATIVE_INFINITY : resolve(from, firstSec, zoneSec);
  const after = from === null ? firstSec : fromSec;
  let toSec = to === null ? Number.POSITIVE_INFINITY : resolve(to, firstSec, zoneSec);
  if (to?.kind === 'clock') while (toSec <= after) toSec += DAY_SEC;
  if (toSec > fromSec) return { fromSec, toSec };
  throw new LoopscopeError('USAGE', '--to: it is not after --from', 'exchange them');
}

/** A time of day is that of the log's first day, unless that is more than half a day before the log begins. */
function resolve({ kind, sec }: TimePoint, firstSec: number, zoneSec: number): number {
  if (kind === 'absolute') return sec;
  if (kind === 'local') return sec - zoneSec;
  const midnight = Math.floor((firstSec + zoneSec) / DAY_SEC) * DAY_SEC - zoneSec;
  const at = midnight + sec;
  return firstSec - at > DAY_SEC / 2 ? at + DAY_SEC : at;
}
