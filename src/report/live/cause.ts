/** What a stall was about, in one line: the largest part of its account, and the function it was in. */

import { formatShare } from '../../base/units.ts';
import type { OpenStall } from '../../record/live.ts';
import type { BlockedSlice, Stall } from '../../record/observation.ts';
import { stopPhrase } from '../../record/stops.ts';
import {
  type AccountPart,
  addAccounts,
  GROUP_TITLE,
  groupTotals,
  PART_GROUPS,
} from '../model/stall-account.ts';
import { partLabel } from '../text/phrases.ts';

export type StallCause = {
  /** "blocked in fsync (…/log/access.log, 1×)". Not yet made harmless: names in it are hostile. */
  text: string;
  /** "ngx_write_file (nginx)"; null when no stack was taken. */
  frame: string | null;
};

/** A cause that has less than this of the stall is named with its share. */
const NEARLY_ALL = 0.9;
/** Plumbing below the function that asked for it. */
const PLUMBING =
  /^(entry_SYSCALL|do_syscall|x64_sys|__x64_sys|ret_from_fork|__schedule|schedule|asm_|exc_)|\((libc|libpthread|ld-linux)[-.\w]*\)/;

/** Of a finished stall, or of one that still goes on. */
export function causeOf(stall: Stall): StallCause {
  const total = addAccounts([stall]);
  const groups = groupTotals(total);
  const group = PART_GROUPS.reduce((best, name) => (groups[name] > groups[best] ? name : best));
  const part = total.parts.find((candidate) => candidate.group === group);
  if (!part) return { text: GROUP_TITLE.unexplained, frame: frameOf(stall, null) };
  const share = stall.wallNs >= 1 ? part.ns / stall.wallNs : 1;
  const text = share < NEARLY_ALL ? `${phrase(part)}, ${formatShare(share)} of it` : phrase(part);
  return { text, frame: frameOf(stall, part) };
}

/** Where it is stuck by now. */
export function openCauseOf(open: OpenStall): StallCause {
  const frame = topOf(open.userStack) ?? topOf(open.kernelStack) ?? frameOf(open.stall, null);
  switch (open.state) {
    case 'blocked': {
      const stop = stopPhrase(open.call ?? '');
      if (stop !== null) return { text: stop, frame };
      const path = open.fdPath === null ? '' : ` (${open.fdPath})`;
      return {
        text: `${open.call === null ? 'blocked' : `blocked in ${callName(open.call)}`}${path}`,
        frame,
      };
    }
    case 'stopped':
      return { text: stopPhrase(open.call ?? '') ?? 'stopped by a signal or a tracer', frame };
    case 'runnable':
      return { text: whoHasItsCpu(open.stall), frame };
    default:
      return { text: 'running on a CPU', frame };
  }
}

function whoHasItsCpu(stall: Stall): string {
  const { unknownNs, totalNs } = stall.account.runQueue;
  const part = addAccounts([stall]).parts.find(({ group }) => group === 'run-queue');
  return part && unknownNs < totalNs / 2 ? phrase(part) : GROUP_TITLE['run-queue'];
}

function phrase(part: AccountPart): string {
  const stop = part.group === 'blocked' ? stopPhrase(part.what) : null;
  if (stop !== null) return part.detail === '' ? stop : `${stop} (${part.detail})`;
  if (part.group === 'blocked') return `blocked in ${partLabel({ ...part, what: callName(part.what) })}`;
  if (part.group === 'system' && part.what === 'call not known') return GROUP_TITLE.system;
  if (part.group === 'system') return `in the kernel, ${callName(part.what)}`;
  const what = partLabel(part);
  return what === '' ? GROUP_TITLE[part.group] : `${GROUP_TITLE[part.group]}: ${what}`;
}

function callName(call: string): string {
  return call === 'page-fault' ? 'a page fault' : call === 'unknown' ? 'a call that was not seen' : call;
}

function frameOf(stall: Stall, part: AccountPart | null): string | null {
  if (part?.group === 'run-queue' || part?.group === 'steal' || part?.group === 'irq') return null;
  if (part?.group === 'blocked') {
    const slice: BlockedSlice | undefined = stall.account.blocked.find(({ call }) => call === part.what);
    const user = (slice as { userStack?: string[] } | undefined)?.userStack ?? [];
    return topOf(user) ?? topOf(slice?.kernelStack ?? []);
  }
  const wanted =
    stall.stacks.find(({ inKernel }) => inKernel === (part?.group === 'system')) ?? stall.stacks[0];
  return wanted ? topOf(wanted.frames) : null;
}

/** The innermost frame with a name of its own, without its offset; null when there is none. */
function topOf(frames: readonly string[]): string | null {
  const named = frames.filter((frame) => !/^(0x[\da-f]+)?$/i.test(frame.trim()));
  const own = named.find((frame) => !PLUMBING.test(frame)) ?? named[0];
  return own === undefined ? null : own.replace(/\+0x[\da-f]+/i, '');
}
