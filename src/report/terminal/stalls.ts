import { formatNs, formatShare } from '../../base/units.ts';
import { sumBy } from '../../diagnose/facts/numbers.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import {
  type AccountPart,
  addAccounts,
  foldSmall,
  GROUP_TITLE,
  type PartGroup,
} from '../model/stall-account.ts';
import type { Ink, Paper } from '../text/paper.ts';
import { formatPartShare, loopLabel, partLabel, plural, stallKindsPhrase } from '../text/phrases.ts';
import { writeTable } from '../text/table.ts';
import { isoTime } from '../text/wall-clock.ts';

const GROUP_INK: Record<PartGroup, Ink> = {
  user: 'blue',
  system: 'cyan',
  irq: 'magenta',
  steal: 'magenta',
  'run-queue': 'yellow',
  blocked: 'red',
  unexplained: 'dim',
};

const LONGEST_SHOWN = 5;
const BAR_CELLS = 10;
const CLOCK_FROM_COLUMNS = 96;
/** On a narrower screen the words matter more than the bars. */
const BARS_FROM_COLUMNS = 76;

/** The account of all stalls together, and the longest of them. */
export function writeStalls(paper: Paper, observation: ObservationRecord, startedWallMs: number): void {
  const { stalls } = observation;
  if (observation.tier === 'proc' || stalls.length === 0) return;
  const total = foldSmall(addAccounts(stalls));
  const loopNs = sumBy(observation.windows, (window) => window.durationNs);
  const ofLoopTime = loopNs >= 1 ? `, ${formatShare(total.wallNs / loopNs)} of the loops' time` : '';
  paper.heading(
    `Where the time of ${plural(stalls.length, 'stall')} went: ${formatNs(total.wallNs)}`,
    `${stallKindsPhrase(stalls)}${ofLoopTime}`,
  );
  writeTable(
    paper,
    [
      { title: '' },
      { title: '', shrinkTo: 16, cutAt: 'middle' },
      { title: '', align: 'right' },
      { title: '', align: 'right' },
      { title: '' },
    ],
    total.parts.map((part) => [
      GROUP_TITLE[part.group],
      partLabel(part),
      formatNs(part.ns),
      formatPartShare(part.share),
      {
        text: paper.columns < BARS_FROM_COLUMNS ? '' : paper.bar(part.share, BAR_CELLS),
        draw: (text: string) => paper.ink(text, GROUP_INK[part.group]),
      },
    ]),
  );
  for (const note of notes(observation)) paper.sentence(note, { first: '  ', ink: ['dim'] });
  writeLongest(paper, observation, startedWallMs);
}

function notes(observation: ObservationRecord): string[] {
  const counted = observation.stalls.filter((stall) => stall.detail === 'counters').length;
  const result: string[] = [];
  if (counted > 0) {
    result.push(
      `${plural(counted, 'stall')} came before the scheduler probes were armed: known from counters, without names.`,
    );
  }
  if (observation.losses.stallsNotKept > 0) {
    result.push(
      `${plural(observation.losses.stallsNotKept, 'further stall')} did not fit and are not in this account.`,
    );
  }
  return result;
}

function writeLongest(paper: Paper, observation: ObservationRecord, startedWallMs: number): void {
  // The time of day is for finding it in other logs: where there is room.
  const wide = paper.plain || paper.columns >= CLOCK_FROM_COLUMNS;
  const clock = (ns: number) => (wide ? [`${isoTime(startedWallMs + ns / 1e6).slice(-13)}`] : []);
  const longest = [...observation.stalls].sort((a, b) => b.wallNs - a.wallNs).slice(0, LONGEST_SHOWN);
  paper.heading('Longest stalls');
  writeTable(
    paper,
    [
      { title: 'at', align: 'right' },
      ...(wide ? [{ title: 'time of day' }] : []),
      { title: 'loop', shrinkTo: 10, cutAt: 'middle' },
      { title: 'lasted', align: 'right' },
      { title: 'mostly', shrinkTo: 16, cutAt: 'middle' },
      { title: '', align: 'right' },
    ],
    longest.map((stall) => {
      const { parts } = addAccounts([stall]);
      const main = parts.reduce<AccountPart | null>(
        (best, part) => (best && best.ns >= part.ns ? best : part),
        null,
      );
      const loop = observation.loops.find((candidate) => candidate.loopIndex === stall.loopIndex);
      return [
        `${(stall.startNs / 1e9).toFixed(3)} s`,
        ...clock(stall.startNs),
        loopLabel(loop),
        formatNs(stall.wallNs),
        main ? shortLabel(main) : '',
        main ? formatShare(main.share) : '',
      ];
    }),
  );
}

/** "stress-ng-cpu (pid 991) ran", "fsync (/var/lib/app/journal.log, 2×)", "its own code". */
function shortLabel(part: AccountPart): string {
  if (part.what === '') return GROUP_TITLE[part.group];
  return part.group === 'run-queue' && part.detail !== '' ? `${partLabel(part)} ran` : partLabel(part);
}
