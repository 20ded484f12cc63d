/** A watch as it goes on, on standard output: a live view on a terminal, plain lines in a pipe, objects with --json. */
import { hostname } from 'node:os';
import type { LiveListener } from '../record/live.ts';
import type { CycleWindow } from '../record/observation.ts';
import { fanOut, listenTo } from '../report/live/fan-out.ts';
import {
  loopObject,
  observerObject,
  openStallEndObject,
  openStallObject,
  stallObject,
  startObject,
  tierObject,
  windowObject,
} from '../report/live/json-lines.ts';
import { LiveModel, type LogEntry } from '../report/live/live-model.ts';
import { LiveView } from '../report/live/live-view.ts';
import { lossPhrase } from '../report/live/observer-phrases.ts';
import { noteLine, secondLine, stallLine } from '../report/live/plain-lines.ts';
import { LiveArea } from './live-area.ts';

export type WatchDisplay = {
  readonly listener: LiveListener;
  /** Takes the live view away; before the report is printed. */
  [Symbol.dispose](): void;
};

const SECOND_NS = 1e9;
/** A stall is shown at once, but a storm of them must not cost more than the view itself. */
const REDRAW_AFTER_MS = 100;

/** The live view, drawn where it stands: four times a second, and when a stall begins or ends. */
export function showOnTerminal(signal: AbortSignal, options: { colour: boolean }): WatchDisplay {
  const model = new LiveModel();
  const view = new LiveView(model, { ...options, host: hostname() });
  const area = new LiveArea(process.stdout);
  let drawnMs = 0;
  const draw = () => {
    drawnMs = performance.now();
    area.draw(view.lines({ columns: area.columns, rows: process.stdout.rows || 24 }));
  };
  const drawSoon = () => {
    if (performance.now() - drawnMs > REDRAW_AFTER_MS) draw();
  };
  const end = () => {
    view.ending = true;
    draw();
  };
  // Also on the way out after a second Ctrl-C, when nothing is disposed of.
  const leave = () => area.erase();
  signal.addEventListener('abort', end, { once: true });
  process.once('exit', leave);
  process.stdout.on('resize', draw);
  const redraw = listenTo({
    onWindows: draw,
    onStall: drawSoon,
    onOpenStall: drawSoon,
    onOpenStallEnd: drawSoon,
  });
  return {
    listener: fanOut([model, redraw]),
    [Symbol.dispose]() {
      signal.removeEventListener('abort', end);
      process.off('exit', leave);
      process.stdout.off('resize', draw);
      area.erase();
    },
  };
}

/** Lines of ASCII: one a second, one for each stall, each worker that comes or goes and each change of tier. */
export function showAsLines(write: (line: string) => void): WatchDisplay {
  const model = new LiveModel();
  const loops = new Set<number>();
  let windows: CycleWindow[] = [];
  let sinceNs = 0;
  let stallCount = 0;
  let lostBefore: string | null = null;
  /** Those of which it was said that they have no time to spare: once each time that it begins. */
  let busy = new Set<number>();
  const tellStall = (entry: LogEntry) => write(stallLine(entry, model.wallMsOf(entry.atNs + entry.wallNs)));
  const tell = (atNs: number, text: string) => write(noteLine(atNs, text, model.wallMsOf(atNs)));
  const told = new Set<number>();
  const lines = listenTo({
    onLoop(record) {
      const isGone = record.endNs !== null;
      if (isGone) loops.delete(record.loopIndex);
      else loops.add(record.loopIndex);
      const call = isGone || record.waitCall === null ? '' : `, waits in ${record.waitCall}`;
      const name = model.labelOf(record.loopIndex);
      tell(record.endNs ?? record.startNs, `loop ${name} ${isGone ? 'is gone' : `found${call}`}`);
    },
    onWindows(cut, status) {
      windows.push(...cut);
      if (model.nowNs - sinceNs < SECOND_NS || windows.length === 0) return;
      sinceNs = model.nowNs;
      write(secondLine(model.nowNs, loops.size, windows, stallCount, model.wallMsOf(model.nowNs)));
      windows = [];
      stallCount = 0;
      const lost = lossPhrase(status.losses);
      const remarks = model.remarks();
      for (const { loopIndex, text } of remarks) if (!busy.has(loopIndex)) tell(model.nowNs, text);
      busy = new Set(remarks.map(({ loopIndex }) => loopIndex));
      if (lost !== null && lost !== lostBefore) tell(model.nowNs, `${lost}, so far`);
      lostBefore = lost;
    },
    onStall() {
      stallCount++;
      tellStall(model.latest!);
    },
    onOpenStall({ openIndex }) {
      // Once when it begins: the line at its end says the rest.
      if (told.has(openIndex)) return;
      told.add(openIndex);
      tellStall(model.latest!);
    },
    onOpenStallEnd({ openIndex, how }) {
      told.delete(openIndex);
      const entry = model.log.find((candidate) => candidate.openIndex === openIndex);
      if (how !== 'finished' && entry) tellStall(entry);
    },
    onTierChange: ({ atNs, tier, why }) => tell(atNs, `probes: ${tier}: ${why}`),
  });
  return { listener: fanOut([model, lines]), [Symbol.dispose]() {} };
}

/** One object a line; docs/reference/watch-json.md. */
export function showAsJson(write: (object: object) => void): WatchDisplay {
  const model = new LiveModel();
  let observedNs = Number.NEGATIVE_INFINITY;
  const objects = listenTo({
    onBegin: (startedWallMs) => write(startObject(process.argv.slice(2), startedWallMs, hostname())),
    onLoop: (record) => write(loopObject(record)),
    onWindows(windows, status) {
      for (const window of windows) write(windowObject(window));
      if (model.nowNs - observedNs < SECOND_NS) return;
      observedNs = model.nowNs;
      write(observerObject(model.nowNs, status));
    },
    onStall: (stall, openIndex) => write(stallObject(stall, openIndex)),
    onOpenStall: (open) => write(openStallObject(open)),
    onOpenStallEnd: (end) => write(openStallEndObject(model.nowNs, end)),
    onTierChange: (change) => write(tierObject(change)),
  });
  return { listener: fanOut([model, objects]), [Symbol.dispose]() {} };
}
