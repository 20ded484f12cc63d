/**
 * All time of stalls as stacks with a weight: where it computed and where it slept by the frames that were seen, the rest
 * under names in brackets. Nothing is left out, so that a drawing of it is as long as the stalls were.
 */
import { amount, sumBy } from '../../diagnose/facts/numbers.ts';
import type { LoopRecord, ObservationRecord, StackSample, Stall } from '../../record/observation.ts';
import { loopLabel } from '../text/phrases.ts';
import type { PartGroup } from './stall-account.ts';

/** `kernel`: the innermost part, below the call. */
export type StallFrame = { name: string; kernel: boolean };

export type StallStack = {
  group: PartGroup;
  /** From the loop inwards. Names are as the program gave them: hostile. */
  frames: StallFrame[];
  ns: number;
};

const NO_STACK = '[no stack]';

/** Stacks of some stalls, of all by default. Equal ones are not merged. */
export function stallStacks(
  observation: ObservationRecord,
  stalls: readonly Stall[] = observation.stalls,
): StallStack[] {
  const loops = new Map<number, LoopRecord>(observation.loops.map((loop) => [loop.loopIndex, loop]));
  return stalls.flatMap((stall) => {
    const loop = { name: loopLabel(loops.get(stall.loopIndex)), kernel: false };
    return stacksOf(stall).map((stack) => ({ ...stack, frames: [loop, ...stack.frames] }));
  });
}

/** The stack that most of a stall was spent in: its frames from the innermost, and its share. Null without any. */
export function mainStack(stall: Stall): { group: PartGroup; frames: StallFrame[]; share: number } | null {
  const seen = stacksOf(stall).filter(({ frames }) => !frames.at(-1)!.name.startsWith('['));
  const longest = seen.reduce<StallStack | null>(
    (best, next) => (best && best.ns >= next.ns ? best : next),
    null,
  );
  if (!longest) return null;
  const { group, frames, ns } = longest;
  return { group, frames: frames.toReversed(), share: stall.wallNs >= 1 ? ns / stall.wallNs : 0 };
}

function stacksOf(stall: Stall): StallStack[] {
  const { account } = stall;
  const stacks: StallStack[] = [];
  const add = (group: PartGroup, frames: StallFrame[], ns: number) => {
    if (amount(ns) >= 1) stacks.push({ group, frames, ns });
  };
  const spread = (group: PartGroup, samples: StackSample[], ns: number, what: string) => {
    const count = sumBy(samples, (sample) => amount(sample.count));
    if (count === 0) add(group, [bracketed(what), bracketed(NO_STACK)], ns);
    for (const sample of samples) {
      const frames = framesOf(
        sample.inKernel ? (sample.userFrames ?? []) : sample.frames,
        sample.inKernel ? sample.frames : [],
        sample.cutBecause,
      );
      const share = (ns * amount(sample.count)) / count;
      add(group, frames.length > 0 ? frames : [bracketed(what), bracketed(NO_STACK)], share);
    }
  };
  // Samples without frames came before the turn was long: those with frames stand for them.
  const withFrames = stall.stacks.filter(({ frames }) => frames.length > 0);
  const systemNs = sumBy(account.system, ({ ns }) => amount(ns));
  spread(
    'user',
    withFrames.filter(({ inKernel }) => !inKernel),
    account.userNs,
    '[its own code]',
  );
  spread(
    'system',
    withFrames.filter(({ inKernel }) => inKernel),
    systemNs,
    '[in the kernel]',
  );
  add('irq', [bracketed('[interrupts]')], account.irqNs);
  add('steal', [bracketed('[stolen by the host]')], account.stealNs);
  addRunQueue(stall, add);
  for (const slice of account.blocked) {
    const frames = framesOf(slice.userStack ?? [], slice.kernelStack, slice.userStackCut);
    const nothing = [bracketed(`[blocked in ${slice.call}]`), bracketed(NO_STACK)];
    add('blocked', frames.length > 0 ? frames : nothing, slice.ns);
  }
  add('unexplained', [bracketed('[unexplained]')], account.unexplainedNs);
  return stacks;
}

function addRunQueue(
  { account }: Stall,
  add: (group: PartGroup, frames: StallFrame[], ns: number) => void,
): void {
  const { runQueue } = account;
  const waiting = bracketed('[waiting for a CPU]');
  for (const who of runQueue.contended) {
    add('run-queue', [waiting, bracketed(`[${who.comm} (pid ${who.pid}) ran]`)], who.ns);
  }
  add('run-queue', [waiting, bracketed('[nobody ran]')], runQueue.idleNs);
  const named = sumBy(runQueue.contended, ({ ns }) => amount(ns)) + amount(runQueue.idleNs);
  add('run-queue', [waiting], Math.max(amount(runQueue.unknownNs), amount(runQueue.totalNs) - named));
}

/** Both lists are innermost first, as recorded; the result begins with the outermost. */
function framesOf(user: readonly string[], kernel: readonly string[], cut: string | undefined): StallFrame[] {
  const own = user.map((name) => ({ name: ownName(name), kernel: false }));
  const below = kernel.map((name) => ({ name: name.replace(/\+0x[\da-f]+$/i, ''), kernel: true }));
  const frames = [...own.reverse(), ...below.reverse()];
  return cut === undefined || own.length === 0 ? frames : [bracketed(`[${cut}]`), ...frames];
}

/** "burn+0x1f (server)" is the same place as "burn (server)"; "server+0x1f", without a function, has no other name. */
function ownName(name: string): string {
  return name.replace(/\+0x[\da-f]+(?= \()/i, '');
}

function bracketed(name: string): StallFrame {
  return { name, kernel: false };
}
