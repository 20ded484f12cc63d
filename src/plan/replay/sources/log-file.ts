/** A log that was named: looked at once, to know its format and when it begins, and opened when its turn comes. */
import { LoopscopeError } from '../../../base/errors.ts';
import { printable } from '../../../base/printable.ts';
import type { FormatOptions } from '../formats/choice.ts';
import type { LogFormat } from '../formats/log-format.ts';
import { HEAD_BYTES, type Recognised, recognise } from '../formats/recognise.ts';
import { createSplitter } from '../framing/framing.ts';
import { createLogRecord, parseRecord } from '../framing/splitter.ts';
import { createLogEntry } from '../lines/log-entry.ts';
import { REFUSAL } from '../lines/refusal.ts';
import type { SourceSummary } from '../replay-summary.ts';
import { type Overlaps, overlapsOf } from '../select/overlap.ts';
import type { Account } from '../survey/account.ts';
import { type Chunks, reasonOf } from './chunks.ts';
import { FollowChunks } from './follow-chunks.ts';
import { LogSource } from './log-source.ts';
import type { WaitingLog } from './merge.ts';
import { type OpenLog, openChunks, ReadChunks } from './open-chunks.ts';

/** Of a log's first lines, so many are asked for the earliest. */
const FIRST_LINES = 100;
const LF = 10;

export type LogFileOptions = {
  path: string;
  index: number;
  account: Account;
  typed: FormatOptions;
  /** It is read on from its end as it grows. */
  follow?: boolean;
  /** Whether it matters if requests of one client overlap in it. */
  looksForOverlaps?: boolean;
  /** Gives up looking at a pipe that brings nothing. */
  signal?: AbortSignal | undefined;
};

export class LogFile implements WaitingLog {
  readonly path: string;
  readonly index: number;
  /** Null where the first lines say nothing: it is empty, or begins with comments. */
  readonly recognised: Recognised | null;
  readonly firstSec: number;
  /** Of the first stamp. */
  readonly zoneSec: number;
  readonly sizeBytes: number;
  /** What its first lines say of clients with several requests at once; null: not looked at. */
  readonly overlaps: Overlaps | null;
  /** What is read with it where its own first lines say nothing. */
  fallback: Recognised | null = null;
  /** For a log that is followed. */
  readonly followed: FollowChunks | null;
  readonly #options: LogFileOptions;
  readonly #isFile: boolean;
  readonly #packing: SourceSummary['packing'];
  /** What cannot be opened twice stays open. */
  #kept: Chunks | null;
  #source: LogSource | null = null;
  #chunks: Chunks | null = null;
  #lineCount = 0;
  #readBytes = 0;
  #damage: string | null = null;
  #setBackCount = 0;

  /** `head`: what was read of it, and is to be read; `looked`: what was looked at. */
  constructor(
    options: LogFileOptions,
    opened: OpenLog,
    head: Head,
    recognised: Recognised | null,
    looked: Uint8Array = head.bytes,
  ) {
    this.#options = options;
    this.path = options.path;
    this.index = options.index;
    this.recognised = recognised;
    const first = firstStamp(head.bytes, recognised);
    this.firstSec = first.sec;
    this.zoneSec = first.zoneSec;
    this.sizeBytes = opened.sizeBytes;
    this.overlaps = options.looksForOverlaps && recognised !== null ? overlapsOf(looked, recognised) : null;
    this.#isFile = opened.isFile;
    this.#packing = opened.packing;
    this.followed = opened.chunks instanceof FollowChunks ? opened.chunks : null;
    this.#kept = opened.isFile ? null : new ReadChunks(head.bytes, head.ended, opened.chunks);
  }

  /** Whether it can be read more than once. */
  get isFile(): boolean {
    return this.#isFile;
  }

  async open(): Promise<LogSource | null> {
    const recognised = this.recognised ?? this.fallback;
    if (recognised === null) return null;
    try {
      this.#chunks = this.#kept ?? (await openChunks(this.path)).chunks;
    } catch (error) {
      this.#damage = `${reasonOf(error)} any more, when its turn came`;
      return null;
    }
    this.#kept = null;
    const { format, parser } = recognised;
    this.#source = new LogSource({
      index: this.index,
      chunks: this.#chunks,
      splitter: createSplitter(format.framing),
      parser,
      account: this.#options.account,
      // A log that is written now has the clock on the wall to be compared with.
      checksClock: format.framing === 'lines' && this.followed === null,
    });
    return this.#source;
  }

  onEnd(): void {
    this.#lineCount += this.#source?.lineCount ?? 0;
    this.#readBytes += this.#chunks?.readBytes() ?? 0;
    this.#setBackCount += this.#source?.setBackCount ?? 0;
    this.#damage ??= this.#chunks?.damage() ?? null;
    this.#source = null;
    this.#chunks = null;
  }

  /** Taken so far, as it lies on disk. */
  readBytes(): number {
    return this.#readBytes + (this.#chunks?.readBytes() ?? 0);
  }

  /** How often its clock was set back by an hour. */
  get setBackCount(): number {
    return this.#setBackCount + (this.#source?.setBackCount ?? 0);
  }

  summary(): SourceSummary {
    const lineCount = this.#lineCount + (this.#source?.lineCount ?? 0);
    return { path: this.path, packing: this.#packing, lineCount, damage: this.#damage };
  }

  async close(): Promise<void> {
    await this.#kept?.close();
  }
}

type Head = { bytes: Uint8Array; ended: boolean };

/** Looks at a log. Throws FILE_UNREADABLE, and USAGE for one in no known format; both name it. */
export async function lookAt(options: LogFileOptions): Promise<LogFile> {
  const opened = await openOrThrow(options);
  let isKept = false;
  try {
    if (options.follow) refuseToFollow(options.path, opened);
    const head = await readHead(opened);
    const recognised = recogniseIn(options, head.bytes);
    if (!options.follow) {
      isKept = !opened.isFile;
      return new LogFile(options, opened, head, recognised);
    }
    return recognised === null
      ? await waitForLines(options)
      : new LogFile(options, await openToFollow(options, false), NO_HEAD, recognised, head.bytes);
  } finally {
    if (!isKept) await opened.chunks.close();
  }
}

const NO_HEAD: Head = { bytes: new Uint8Array(0), ended: false };

function refuseToFollow(path: string, { packing, isFile }: OpenLog): void {
  const why = packing !== 'plain' ? `it is packed (${packing})` : isFile ? null : 'it is not a file';
  if (why === null) return;
  throw new LoopscopeError('USAGE', `--follow: ${nameOf(path)} does not grow: ${why}`, 'leave out --follow');
}

async function openToFollow({ path, signal }: LogFileOptions, fromStart: boolean): Promise<OpenLog> {
  const chunks = await FollowChunks.open(path, { fromStart });
  signal?.addEventListener('abort', () => chunks.close(), { once: true });
  return { chunks, packing: 'plain', sizeBytes: 0, isFile: false };
}

/** A log that is still empty: its first lines tell what it is. */
async function waitForLines(options: LogFileOptions): Promise<LogFile> {
  const opened = await openToFollow(options, true);
  let head: Head = NO_HEAD;
  for (;;) {
    const more = await readHead(opened);
    head = { bytes: Buffer.concat([head.bytes, more.bytes]), ended: more.ended };
    const recognised = recogniseIn(options, head.bytes);
    if (recognised !== null || head.ended) return new LogFile(options, opened, head, recognised);
  }
}

async function openOrThrow({ path, signal }: LogFileOptions): Promise<OpenLog> {
  try {
    return await openChunks(path, signal);
  } catch (error) {
    throw new LoopscopeError('FILE_UNREADABLE', `${nameOf(path)}: ${reasonOf(error)}`, '', error);
  }
}

function recogniseIn({ path, typed }: LogFileOptions, head: Uint8Array): Recognised | null {
  try {
    return recognise(head, typed);
  } catch (error) {
    if (!(error instanceof LoopscopeError) || error.message.startsWith('--')) throw error;
    throw new LoopscopeError(error.code, `${nameOf(path)}: ${error.message}`, error.hint, error);
  }
}

/** As people call it. */
export function nameOf(path: string): string {
  return path === '-' ? 'standard input' : printable(path);
}

/** Of a pipe no more than it brings at once: it may bring a line now and then. */
async function readHead({ chunks, isFile }: OpenLog): Promise<Head> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  let hasLine = false;
  while (length < HEAD_BYTES && (isFile || !hasLine)) {
    const chunk = await chunks.read();
    if (chunk === null) return { bytes: Buffer.concat(pieces), ended: true };
    pieces.push(chunk.slice());
    length += chunk.length;
    hasLine ||= chunk.includes(LF);
  }
  return { bytes: Buffer.concat(pieces), ended: false };
}

/** The earliest stamp of the first lines: one line alone may be wrong. */
function firstStamp(head: Uint8Array, recognised: Recognised | null): { sec: number; zoneSec: number } {
  const first = { sec: Number.NEGATIVE_INFINITY, zoneSec: 0 };
  if (recognised === null) return first;
  const { format, parser }: { format: LogFormat; parser: Recognised['parser'] } = recognised;
  const splitter = createSplitter(format.framing);
  const record = createLogRecord();
  const entry = createLogEntry(parser.escapes);
  splitter.push(head.slice(0, HEAD_BYTES));
  for (let count = 0; count < FIRST_LINES && splitter.next(record); count++) {
    if (parseRecord(parser, record, entry) !== REFUSAL.none) continue;
    if (first.sec !== Number.NEGATIVE_INFINITY && first.sec <= entry.stampSec) continue;
    first.sec = entry.stampSec;
    first.zoneSec = entry.zoneSec;
  }
  return first;
}
