/** What the page is made from: the one JSON value between the renderer and the page's own scripts. Types only. */

/** One accent per severity. */
export type Tone = 'good' | 'warn' | 'bad' | 'void' | 'quiet';

export type PageFinding = {
  culprit: string;
  tone: Tone;
  headline: string;
  confidence: 'high' | 'medium' | 'low';
  /** 0 to 1; 0 is not shown. */
  share: number;
  shareText: string;
  evidence: string[];
  advice: string[];
};

export type PageTable = {
  columns: { title: string; numeric: boolean; hint?: string }[];
  rows: string[][];
  /** Below the table. */
  notes: string[];
};

export type PagePart = {
  group: string;
  title: string;
  text: string;
  ns: number;
  time: string;
  shareText: string;
};

export type PageAccount = { wallNs: number; wall: string; parts: PagePart[] };

export type PageStack = { title: string; frames: number[] };

/** A tree: `nodes` holds five numbers for each: parent (−1: none), name, ns, group (of PART_GROUPS), 1 for the kernel. */
export type PageIcicle = { names: string[]; nodes: number[]; depth: number; leftOut: number };

/** A stall with its account; strings are indices into PageStalls.strings. */
export type PageStall = {
  mark: number;
  title: string;
  loop: string;
  at: string;
  wall: string;
  facts: string[];
  account: PageAccount;
  stacks: PageStack[];
};

export type PageStalls = {
  title: string;
  total: PageAccount;
  notes: string[];
  /** Every stall drawn on the timeline: start (s), length (s), group of its longest part; late: of kind "wait". */
  marks: { atSec: number; wallSec: number; group: string; late: boolean }[];
  /** Those with an account of their own, longest first. */
  list: PageStall[];
  strings: string[];
  /** Why not all are there, or empty. */
  listNote: string;
  /** Null without stalls. */
  icicle: PageIcicle | null;
};

export type PageTimeline = {
  durationSec: number;
  latency: {
    sec: number[];
    p50: (number | null)[];
    p99: (number | null)[];
    max: (number | null)[];
    /** Points whose maximum is only a lower bound. */
    maxAtLeast: boolean[];
    planned: number[];
    failed: number[];
  } | null;
  latencyNote: string;
  /** Requests due, and replies that came, a second; asked is null in a closed loop. */
  rate: {
    sec: number[];
    askedPerSec: number[] | null;
    heldPerSec: number[];
    /** What the two lines are called. */
    names: [asked: string, held: string];
  } | null;
  /** Column c lies between edges c and c + 1 (s). */
  cycles: { edges: number[]; longest: (number | null)[]; budgetSec: number } | null;
  cyclesNote: string;
};

export type PageHeatMap = {
  /** Bounds of the columns, s; one more than there are columns. */
  edges: number[];
  durationSec: number;
  budgetSec: number;
  /** Bounds of the rows, s; one more than there are rows. */
  rowLowSec: number[];
  /** Flat triples: column, row, count. */
  loops: { label: string; cells: number[] }[];
  note: string;
};

export type PageSpectrum = { kind: string; nines: number[]; sec: number[]; atLeastFrom: number | null }[];

/** The search that the run decided. */
export type PageLimit = {
  found: boolean;
  answer: string;
  why: string;
  table: PageTable;
  /** By rate; null without a goal that is a time. */
  chart: { goal: string; limitSec: number; ratePerSec: number[]; sec: number[]; held: boolean[] } | null;
};

/** A log that was replayed. */
export type PageReplay = {
  facts: { term: string; text: string; warn: boolean }[];
  routes: PageTable | null;
  statuses: PageTable | null;
};

export type PageBar = { name: string; detail: string; share: number; value: string; tag: string };

export type PageCheck = {
  verdict: 'PASS' | 'WARN' | 'VOID' | 'SKIP';
  name: string;
  text: string;
  value: string;
  limit: string;
};

export type PageData = {
  version: string;
  title: string;
  subtitle: string;
  startedAt: string;
  verdict: PageFinding;
  notices: { tone: Tone; text: string }[];
  figures: { label: string; value: string; note: string }[];
  contributors: PageFinding[];
  cleared: { culprit: string; why: string }[];
  /** Null without --find-limit. */
  limit: PageLimit | null;
  timeline: PageTimeline;
  /** Null when the load was made up. */
  replay: PageReplay | null;
  stalls: PageStalls | null;
  ranInstead: PageBar[];
  latency: PageTable | null;
  stages: PageTable | null;
  kinds: PageTable | null;
  arrivals: PageTable | null;
  spectrum: PageSpectrum | null;
  heatMap: PageHeatMap | null;
  loops: PageTable | null;
  checks: PageCheck[];
  selfVerdict: 'PASS' | 'WARN' | 'VOID' | 'SKIP';
  outcomes: { kind: string; count: number; text: string }[];
  load: { term: string; text: string }[];
  unseen: string[];
  cost: string[];
  environment: { term: string; text: string }[];
  command: string;
};
