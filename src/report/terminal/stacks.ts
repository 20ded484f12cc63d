import { formatNs, formatShare } from '../../base/units.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import { mainStack } from '../model/stall-stacks.ts';
import type { Paper } from '../text/paper.ts';
import { loopLabel } from '../text/phrases.ts';

const STACKS_SHOWN = 3;
const FRAMES_SHOWN = 6;
/** Most frames of the C library and of an interpreter's inside, without which the rest fits. */
const NAME_LENGTH_MAX = 60;

/** Where the longest stalls were, innermost first: one stack each, of equal ones the longest only. */
export function writeStacks(paper: Paper, observation: ObservationRecord): void {
  const shown = new Set<string>();
  for (const stall of [...observation.stalls].sort((a, b) => b.wallNs - a.wallNs)) {
    const main = mainStack(stall);
    if (!main) continue;
    const names = main.frames.map(({ name }) => shorten(name));
    const key = names.slice(0, FRAMES_SHOWN).join('\n');
    if (shown.has(key)) continue;
    if (shown.size === 0) paper.heading('Where the longest stalls were', 'innermost function first');
    shown.add(key);
    const loop = observation.loops.find(({ loopIndex }) => loopIndex === stall.loopIndex);
    const how = main.group === 'blocked' ? 'asleep' : main.group === 'system' ? 'in the kernel' : 'computing';
    paper.sentence(
      `${formatNs(stall.wallNs)} at ${(stall.startNs / 1e9).toFixed(3)} s in ${loopLabel(loop)}, ${how} ${formatShare(main.share)} of it:`,
      { first: '  ', rest: '  ' },
    );
    const more = names.length > FRAMES_SHOWN ? ` … ${names.length - FRAMES_SHOWN} more` : '';
    paper.sentence(`${names.slice(0, FRAMES_SHOWN).join(' < ')}${more}`, {
      first: '    ',
      rest: '      ',
      ink: ['dim'],
    });
    if (shown.size >= STACKS_SHOWN) break;
  }
}

/** C++ names can be longer than a line. */
function shorten(name: string): string {
  return name.length > NAME_LENGTH_MAX ? `${name.slice(0, NAME_LENGTH_MAX - 1)}…` : name;
}
