/**
 * The objects of a HAR file's log.entries, one after another: the file is walked over as it comes, never held. What
 * replies contained is left out (response.content.text), which is most of it.
 *
 * Invariants
 *  H1  No more is held than one entry without its content, and RECORD_BYTES_MAX of that.
 *  H2  Every byte is looked at once. Braces, brackets and strings are followed; whether an entry is JSON its parser says.
 *  H3  Every item of log.entries is one record. A file whose brackets do not match ends with one that is refused as that.
 */
import { REFUSAL, type Refusal } from '../lines/refusal.ts';
import { Carry } from './carry.ts';
import { fillRecord, type LogRecord, refuseRecord, type Splitter } from './splitter.ts';

/** What is deeper is followed no more. */
const DEPTH_MAX = 512;
/** Depth within log.entries. */
const LIST_DEPTH = 3;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Keys that matter, and the number that stands for each; 0 for all others. */
const KEYS = ['', 'log', 'entries', 'response', 'content', 'text'];
const [, LOG, ENTRIES, RESPONSE, CONTENT, TEXT] = KEYS.keys();
const KEY_LENGTH_MAX = 8;

export function createHarSplitter(): Splitter {
  return new HarSplitter();
}

class HarSplitter implements Splitter {
  readonly #carry = new Carry();
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #ended = false;
  #number = 0;
  /** Of braces and brackets that are open. */
  #depth = 0;
  readonly #isObject = new Uint8Array(DEPTH_MAX);
  /** By depth: the last key there. */
  readonly #keys = new Uint8Array(DEPTH_MAX);
  #inString = false;
  #escaped = false;
  /** The next string of this object is a key. */
  #wantsKey = false;
  readonly #key = Buffer.alloc(KEY_LENGTH_MAX);
  /** Of the string that is being read; −1 for one that is a value. */
  #keyLength = -1;
  /** Within an entry, or an item that is not one. */
  #inRecord = false;
  /** What of the chunk comes next into the record; −1 for nothing. */
  #from = -1;
  /** Within a string that is left out. */
  #isLeavingOut = false;
  #isTooLong = false;
  #isBroken = false;
  #sawEntries = false;
  #sawBytes = false;
  #isDone = false;
  /** The record handed over last is still in `#carry`. */
  #taken = false;

  push(chunk: Uint8Array): void {
    this.#chunk = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    this.#at = 0;
    this.#sawBytes ||= chunk.length > 0;
    if (this.#inRecord && !this.#isLeavingOut) this.#from = 0;
  }

  end(): void {
    this.#ended = true;
  }

  next(record: LogRecord): boolean {
    if (this.#taken) {
      this.#carry.length = 0;
      this.#taken = false;
    }
    while (this.#at < this.#chunk.length && !this.#isDone) {
      if (this.#inString) this.#walkString();
      else if (this.#step(this.#chunk[this.#at]!)) return this.#handOver(record);
      if (this.#isBroken) return this.#refuse(record, REFUSAL.json);
    }
    if (this.#isDone) return false;
    if (this.#inRecord) this.#keep(this.#chunk.length);
    this.#from = -1;
    return this.#ended && this.#takeLast(record);
  }

  /** What is said of the end: an entry that it cut, or a file that has none. */
  #takeLast(record: LogRecord): boolean {
    this.#isDone = true;
    if (this.#inRecord) {
      this.#handOver(record);
      record.unfinished = true;
      return true;
    }
    if (!this.#sawBytes || (this.#sawEntries && this.#depth === 0)) return false;
    return this.#refuse(record, this.#depth > 0 ? REFUSAL.cutShort : REFUSAL.layout);
  }

  /** One record for all that follows. */
  #refuse(record: LogRecord, refusal: Refusal): true {
    this.#isDone = true;
    record.number = ++this.#number;
    refuseRecord(record, refusal);
    return true;
  }

  /** To the end of the string or of the chunk. */
  #walkString(): void {
    const chunk = this.#chunk;
    let at = this.#at;
    for (; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#endString(at);
        at++;
        break;
      }
      if (this.#keyLength >= 0) {
        if (this.#keyLength < KEY_LENGTH_MAX) this.#key[this.#keyLength] = byte;
        this.#keyLength++;
      }
    }
    this.#at = at;
  }

  #endString(at: number): void {
    this.#inString = false;
    if (this.#keyLength >= 0) {
      if (this.#depth > 0 && this.#depth <= DEPTH_MAX) this.#keys[this.#depth - 1] = this.#keyCode();
      this.#keyLength = -1;
      this.#wantsKey = false;
    } else if (this.#isLeavingOut) {
      this.#isLeavingOut = false;
      this.#from = at;
    }
  }

  #keyCode(): number {
    if (this.#keyLength > KEY_LENGTH_MAX) return 0;
    const text = this.#key.toString('latin1', 0, this.#keyLength);
    return Math.max(0, KEYS.indexOf(text));
  }

  /** One byte outside of strings; true when an item of log.entries ends with it or before it. */
  #step(byte: number): boolean {
    const at = this.#at++;
    const isItem = this.#depth === LIST_DEPTH && this.#isInEntries();
    switch (byte) {
      case QUOTE:
        if (isItem) this.#begin(at);
        this.#inString = true;
        this.#keyLength = this.#wantsKey ? 0 : -1;
        if (this.#inRecord && this.#isContent()) {
          this.#keep(at + 1);
          this.#from = -1;
          this.#isLeavingOut = true;
        }
        return false;
      case OPEN_OBJECT:
      case OPEN_LIST:
        if (isItem) this.#begin(at);
        this.#open(byte === OPEN_OBJECT);
        return false;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        return this.#close(byte === CLOSE_OBJECT, isItem, at);
      case COMMA:
        this.#wantsKey = this.#depth > 0 && this.#depth <= DEPTH_MAX && this.#isObject[this.#depth - 1] === 1;
        return isItem && this.#inRecord && this.#finish(at);
      case COLON:
        return false;
      default:
        if (isItem && byte > 0x20) this.#begin(at);
        return false;
    }
  }

  #begin(at: number): void {
    if (this.#inRecord) return;
    this.#inRecord = true;
    this.#isTooLong = false;
    this.#from = at;
  }

  #open(isObject: boolean): void {
    if (this.#depth < DEPTH_MAX) {
      this.#isObject[this.#depth] = isObject ? 1 : 0;
      this.#keys[this.#depth] = 0;
    }
    this.#depth++;
    this.#wantsKey = isObject && this.#depth <= DEPTH_MAX;
    if (this.#isInEntries()) this.#sawEntries = true;
  }

  /** True when an item of log.entries ends with this. */
  #close(isObject: boolean, isItem: boolean, at: number): boolean {
    const isPair = this.#depth > DEPTH_MAX || this.#isObject[this.#depth - 1] === (isObject ? 1 : 0);
    if (this.#depth === 0 || !isPair) {
      this.#isBroken = true;
      return false;
    }
    this.#wantsKey = false;
    this.#depth--;
    // The list's own end, behind an item that is neither object nor list.
    if (isItem) return this.#inRecord && this.#finish(at);
    return this.#depth === LIST_DEPTH && this.#inRecord && this.#finish(at + 1);
  }

  #finish(end: number): true {
    this.#keep(end);
    return true;
  }

  /** Takes what stands between #from and `end` into the record. */
  #keep(end: number): void {
    if (this.#from < 0 || this.#from >= end) return;
    if (!this.#isTooLong && !this.#carry.append(this.#chunk, this.#from, end)) {
      this.#isTooLong = true;
      this.#carry.length = 0;
    }
    this.#from = end;
  }

  #handOver(record: LogRecord): true {
    this.#inRecord = false;
    this.#from = -1;
    this.#taken = true;
    record.number = ++this.#number;
    fillRecord(record, this.#carry.bytes, 0, this.#carry.length);
    if (this.#isTooLong) refuseRecord(record, REFUSAL.tooLong);
    return true;
  }

  #isInEntries(): boolean {
    return (
      this.#depth >= LIST_DEPTH &&
      this.#keys[0] === LOG &&
      this.#keys[1] === ENTRIES &&
      this.#isObject[2] === 0
    );
  }

  /** The value that begins here is what a reply contained. */
  #isContent(): boolean {
    return (
      !this.#wantsKey &&
      this.#depth === LIST_DEPTH + 3 &&
      this.#keys[LIST_DEPTH] === RESPONSE &&
      this.#keys[LIST_DEPTH + 1] === CONTENT &&
      this.#keys[LIST_DEPTH + 2] === TEXT
    );
  }
}
