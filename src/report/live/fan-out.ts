import type { LiveListener } from '../../record/live.ts';

/** One listener that tells several, in their order. */
export function fanOut(listeners: readonly LiveListener[]): LiveListener {
  return {
    onBegin: (wallMs) => listeners.forEach((to) => void to.onBegin?.(wallMs)),
    onLoop: (record) => listeners.forEach((to) => void to.onLoop(record)),
    onWindows: (windows, status) => listeners.forEach((to) => void to.onWindows(windows, status)),
    onStall: (stall, openIndex) => listeners.forEach((to) => void to.onStall(stall, openIndex)),
    onOpenStall: (open) => listeners.forEach((to) => void to.onOpenStall(open)),
    onOpenStallEnd: (end) => listeners.forEach((to) => void to.onOpenStallEnd(end)),
    onTierChange: (change) => listeners.forEach((to) => void to.onTierChange(change)),
  };
}

/** A listener to what it names, and deaf to the rest. */
export function listenTo(some: Partial<LiveListener>): LiveListener {
  return {
    onBegin() {},
    onLoop() {},
    onWindows() {},
    onStall() {},
    onOpenStall() {},
    onOpenStallEnd() {},
    onTierChange() {},
    ...some,
  };
}
