import { formatNs, formatShare } from '../../base/units.ts';
import { sumBy } from '../../diagnose/facts/numbers.ts';
import type { ObservationRecord, Stall } from '../../record/observation.ts';
import { type AccountTotal, addAccounts, foldSmall, GROUP_TITLE } from '../model/stall-account.ts';
import {
  formatPartShare,
  loopLabel,
  partLabel,
  plural,
  stallKindPhrase,
  stallKindsPhrase,
} from '../text/phrases.ts';
import { isoTime } from '../text/wall-clock.ts';
import { icicleOf } from './build-icicle.ts';
import type { PageAccount, PageStack, PageStall, PageStalls } from './page-data.ts';

/** Limits that keep a page of a bad hour as small as one of a bad second; what is left out is said. */
const MARKS_MAX = 1500;
const LIST_MAX = 60;
const STACKS_PER_STALL = 4;
const FRAMES_PER_STACK = 24;

/** The stalls of an observation; null in the proc tier, where none can be seen. */
export function stallsOf(observation: ObservationRecord, startedWallMs: number): PageStalls | null {
  if (observation.tier !== 'bpf') return null;
  const ranked = [...observation.stalls].sort((a, b) => b.wallNs - a.wallNs);
  const marked = ranked.slice(0, MARKS_MAX).sort((a, b) => a.startNs - b.startNs);
  const listed = ranked.slice(0, LIST_MAX);
  const strings = new StringTable();
  const total = addAccounts(observation.stalls);
  const loopNs = sumBy(observation.windows, (window) => window.durationNs);
  const ofLoopTime = loopNs >= 1 ? `, ${formatShare(total.wallNs / loopNs)} of the loops’ time` : '';
  return {
    title: `${stallKindsPhrase(ranked)} over ${formatNs(observation.budgetNs)}: ${formatNs(total.wallNs)}${ofLoopTime}`,
    total: accountOf(total),
    notes: notesOf(observation),
    marks: marked.map((stall) => ({
      atSec: Number((stall.startNs / 1e9).toFixed(4)),
      wallSec: Number((stall.wallNs / 1e9).toPrecision(4)),
      group: longestGroup(stall),
      late: stall.kind === 'wait',
    })),
    list: listed.map((stall) =>
      stallOf(stall, observation, { mark: marked.indexOf(stall), startedWallMs }, strings),
    ),
    strings: strings.values,
    icicle: icicleOf(observation),
    listNote:
      ranked.length > listed.length
        ? `The ${listed.length} longest of ${plural(ranked.length, 'stall')} are here with their accounts; all are in the run file.`
        : '',
  };
}

function notesOf(observation: ObservationRecord): string[] {
  const counted = observation.stalls.filter((stall) => stall.detail === 'counters').length;
  const notes: string[] = [];
  if (counted > 0) {
    notes.push(
      `${plural(counted, 'stall')} came before the scheduler probes were armed: known from counters, without names.`,
    );
  }
  if (observation.losses.stallsNotKept > 0) {
    notes.push(
      `${plural(observation.losses.stallsNotKept, 'further stall')} did not fit and are in none of these numbers.`,
    );
  }
  return notes;
}

function longestGroup(stall: Stall): string {
  const { parts } = addAccounts([stall]);
  return parts.reduce<{ group: string; ns: number }>((best, part) => (part.ns > best.ns ? part : best), {
    group: 'unexplained',
    ns: 0,
  }).group;
}

function stallOf(
  stall: Stall,
  observation: ObservationRecord,
  { mark, startedWallMs }: { mark: number; startedWallMs: number },
  strings: StringTable,
): PageStall {
  const loop = observation.loops.find((candidate) => candidate.loopIndex === stall.loopIndex);
  const facts = [
    stallKindPhrase(stall),
    `on CPU ${stall.cpu}`,
    `began ${isoTime(startedWallMs + stall.startNs / 1e6)}`,
  ];
  if (stall.minorFaults > 0) facts.push(plural(stall.minorFaults, 'minor fault'));
  if (stall.majorFaults > 0) facts.push(plural(stall.majorFaults, 'major fault'));
  if (stall.voluntarySwitches > 0)
    facts.push(plural(stall.voluntarySwitches, 'voluntary switch', 'voluntary switches'));
  if (stall.involuntarySwitches > 0)
    facts.push(plural(stall.involuntarySwitches, 'forced switch', 'forced switches'));
  if (stall.detail === 'counters') facts.push('known from counters only');
  return {
    mark,
    title: `${formatNs(stall.wallNs)} at ${(stall.startNs / 1e9).toFixed(3)} s`,
    loop: loopLabel(loop),
    at: `${(stall.startNs / 1e9).toFixed(3)} s`,
    wall: formatNs(stall.wallNs),
    facts,
    account: accountOf(addAccounts([stall])),
    stacks: stacksOf(stall, strings),
  };
}

function accountOf(total: AccountTotal): PageAccount {
  return {
    wallNs: Math.round(total.wallNs),
    wall: formatNs(total.wallNs),
    parts: foldSmall(total).parts.map((part) => ({
      group: part.group,
      title: GROUP_TITLE[part.group],
      text: partLabel(part),
      ns: Math.round(part.ns),
      time: formatNs(part.ns),
      shareText: formatPartShare(part.share),
    })),
  };
}

/** Where it computed and where it slept, with the program's frames below those of the kernel. */
function stacksOf(stall: Stall, strings: StringTable): PageStack[] {
  const whole = (kernel: readonly string[], user: readonly string[] = [], cut?: string) => [
    ...kernel,
    ...user,
    ...(cut === undefined ? [] : [`[${cut}]`]),
  ];
  const sampled = stall.stacks
    .filter((stack) => stack.frames.length > 0)
    .map((stack) => ({
      title: `on CPU ${stack.inKernel ? 'in the kernel' : 'in user code'}, ${plural(stack.count, 'sample')}`,
      frames: whole(stack.frames, stack.userFrames, stack.cutBecause),
    }));
  const slept = stall.account.blocked
    .map((slice) => ({
      title: `asleep in ${slice.call} for ${formatNs(slice.ns)}${slice.waker ? `, woken by ${slice.waker.comm} (pid ${slice.waker.pid})` : ''}`,
      frames: whole(slice.kernelStack, slice.userStack, slice.userStackCut),
    }))
    .filter(({ frames }) => frames.length > 0);
  // What most of the stall was spent on comes first.
  const ranked = longestGroup(stall) === 'blocked' ? [...slept, ...sampled] : [...sampled, ...slept];
  return ranked.slice(0, STACKS_PER_STALL).map(({ title, frames }) => ({
    title,
    frames: frames.slice(0, FRAMES_PER_STACK).map((frame) => strings.indexOf(frame)),
  }));
}

/** Frames repeat from stall to stall: each is stored once. */
class StringTable {
  readonly values: string[] = [];
  readonly #indices = new Map<string, number>();

  indexOf(text: string): number {
    let index = this.#indices.get(text);
    if (index === undefined) {
      index = this.values.push(text) - 1;
      this.#indices.set(text, index);
    }
    return index;
  }
}
