/** Reads run files, also those cut short; refuses what is not one, or of another version, or not as the schemas say. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import * as v from 'valibot';
import { LoopscopeError } from '../base/errors.ts';
import { RUN_FORMAT_VERSION, type Run } from './run.ts';
import {
  headerSchema,
  hostSampleSchema,
  loadBlockSchema,
  loadSchema,
  observationSchema,
  stallSchema,
  windowSchema,
} from './run-schema.ts';

const READ_BYTES = 1 << 20;
const MAX_LINE_BYTES = 64 << 20;
const MAX_FILE_BYTES = 2 ** 30;
const LF = 10;

/**
 * Reads a run. `complete` is false when the end record is missing: what is there is returned. Throws FILE_UNREADABLE,
 * or RUN_FILE_INVALID naming the line.
 */
export function readRunFile(path: string): Run {
  const builder = new RunBuilder(path);
  for (const line of readLines(path)) builder.take(line.text, line.whole);
  return builder.finish();
}

class RunBuilder {
  readonly #path: string;
  #run: Run | null = null;
  #lineCount = 0;
  #ended = false;
  #cutShort = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** `whole` is false for a last line without its line feed. */
  take(text: string, whole: boolean): void {
    if (this.#ended || this.#cutShort) throw this.#invalid('something follows the end record');
    let line: unknown;
    try {
      line = JSON.parse(text);
    } catch {
      if (this.#run === null) throw this.#notARun();
      if (whole) throw this.#invalid('not JSON');
      this.#cutShort = true;
      return;
    }
    if (text.includes('"__proto__"')) throw this.#invalid('a key that no run file has: __proto__');
    const parsed = v.safeParse(lineSchema, line);
    if (!parsed.success)
      throw this.#run === null ? this.#notARun() : this.#invalid('an unknown kind of record');
    if (this.#run === null) this.#header(parsed.output);
    else this.#body(this.#run, parsed.output);
    this.#lineCount++;
  }

  finish(): Run {
    if (this.#run === null) throw this.#notARun();
    return this.#run;
  }

  #header(line: v.InferOutput<typeof lineSchema>): void {
    if (line.record !== 'header') throw this.#notARun();
    const raw = line.value as { format?: unknown; version?: unknown } | null;
    if (raw?.format !== 'loopscope-run') throw this.#notARun();
    if (raw.version !== RUN_FORMAT_VERSION) {
      throw new LoopscopeError(
        'RUN_FILE_INVALID',
        `${this.#path} is a run file of version ${String(raw.version).slice(0, 20)}; this is version ${RUN_FORMAT_VERSION}`,
        'read it with the loopscope that wrote it',
      );
    }
    const header = this.#check(headerSchema, line.value);
    this.#run = { header, load: null, observation: null, complete: false };
  }

  #body(run: Run, line: v.InferOutput<typeof lineSchema>): void {
    switch (line.record) {
      case 'load':
        if (run.load) throw this.#invalid('a second load');
        run.load = { ...this.#check(loadSchema, line.value), blocks: [] };
        return;
      case 'observation': {
        if (run.observation) throw this.#invalid('a second observation');
        const observation = this.#check(observationSchema, line.value);
        run.observation = { ...observation, windows: [], stalls: [], host: [] };
        return;
      }
      case 'blocks':
        if (!run.load) throw this.#invalid('blocks before their load');
        append(run.load.blocks, this.#check(v.array(loadBlockSchema), line.items));
        return;
      case 'windows':
        append(this.#observation(run).windows, this.#check(v.array(windowSchema), line.items));
        return;
      case 'stalls':
        append(this.#observation(run).stalls, this.#check(v.array(stallSchema), line.items));
        return;
      case 'host':
        append(this.#observation(run).host, this.#check(v.array(hostSampleSchema), line.items));
        return;
      case 'end':
        if (line.lineCount !== this.#lineCount) {
          throw this.#invalid(`${line.lineCount} lines were written, ${this.#lineCount} are here`);
        }
        run.complete = true;
        this.#ended = true;
        return;
      default:
        throw this.#invalid('a second header');
    }
  }

  #observation(run: Run) {
    if (!run.observation) throw this.#invalid('a part of an observation before it');
    return run.observation;
  }

  #check<T>(schema: v.GenericSchema<unknown, T>, value: unknown): T {
    const result = v.safeParse(schema, value, { abortEarly: true });
    if (result.success) return result.output;
    const issue = result.issues[0];
    throw this.#invalid(`${v.getDotPath(issue) ?? 'record'}: ${issue.message.slice(0, 200)}`);
  }

  #invalid(why: string): LoopscopeError {
    return new LoopscopeError('RUN_FILE_INVALID', `${this.#path}, line ${this.#lineCount + 1}: ${why}`);
  }

  #notARun(): LoopscopeError {
    return new LoopscopeError(
      'RUN_FILE_INVALID',
      `${this.#path} is not a run file`,
      'run files are written by --out',
    );
  }
}

const lineSchema = v.variant('record', [
  v.object({ record: v.picklist(['header', 'load', 'observation']), value: v.unknown() }),
  v.object({ record: v.picklist(['blocks', 'windows', 'stalls', 'host']), items: v.array(v.unknown()) }),
  v.object({ record: v.literal('end'), lineCount: v.number() }),
]);

function append<T>(to: T[], items: readonly T[]): void {
  for (const item of items) to.push(item);
}

/** Lines without their line feed, one at a time, so that memory follows the longest and not the file. */
function* readLines(path: string): Generator<{ text: string; whole: boolean }> {
  const fd = openForReading(path);
  try {
    const buffer = Buffer.alloc(READ_BYTES);
    let parts: Buffer[] = [];
    let partBytes = 0;
    let total = 0;
    for (;;) {
      const count = read(path, fd, buffer);
      if (count === 0) break;
      if ((total += count) > MAX_FILE_BYTES) throw tooLong(path, 'file');
      let from = 0;
      for (let lf = buffer.indexOf(LF); lf >= 0 && lf < count; lf = buffer.indexOf(LF, from)) {
        parts.push(Buffer.from(buffer.subarray(from, lf)));
        yield { text: Buffer.concat(parts).toString('utf8'), whole: true };
        parts = [];
        partBytes = 0;
        from = lf + 1;
      }
      parts.push(Buffer.from(buffer.subarray(from, count)));
      if ((partBytes += count - from) > MAX_LINE_BYTES) throw tooLong(path, 'line');
    }
    if (partBytes > 0) yield { text: Buffer.concat(parts).toString('utf8'), whole: false };
  } finally {
    closeSync(fd);
  }
}

function openForReading(path: string): number {
  try {
    const fd = openSync(path, 'r');
    if (!fstatSync(fd).isDirectory()) return fd;
    closeSync(fd);
  } catch (error) {
    throw unreadable(path, error);
  }
  throw new LoopscopeError('FILE_UNREADABLE', `${path} is a folder`);
}

function read(path: string, fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer, 0, buffer.length, null);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): LoopscopeError {
  const why = error instanceof Error ? error.message : String(error);
  const isClosed = (error as NodeJS.ErrnoException).code === 'EACCES';
  const hint = isClosed
    ? 'a run file is for whoever made it: read it as that user, or have its mode changed'
    : '';
  return new LoopscopeError('FILE_UNREADABLE', `${path} cannot be read: ${why}`, hint, error);
}

function tooLong(path: string, what: string): LoopscopeError {
  return new LoopscopeError(
    'RUN_FILE_INVALID',
    `${path} is not a run file: a ${what} longer than any of ours`,
  );
}
