/** Where the parser is, and what later parts may refer back to. */
import type { Node } from './itanium-nodes.ts';

export type State = {
  text: string;
  at: number;
  depth: number;
  substitutions: Node[];
  /** Of the function being named: what T_ refers to. */
  templateArguments: Node[];
  /** While its name is read: template arguments met there become those. */
  isNaming: boolean;
};

const DEPTH_LIMIT = 200;

export function peek(state: State, text: string): boolean {
  return state.text.startsWith(text, state.at);
}

export function eat(state: State, text: string): boolean {
  if (!peek(state, text)) return false;
  state.at += text.length;
  return true;
}

export function expect(state: State, text: string): void {
  if (!eat(state, text)) throw new RangeError(`no ${text} at ${state.at}`);
}

export function take(state: State, length: number): string {
  const text = state.text.slice(state.at, state.at + length);
  if (text.length !== length) throw new RangeError('name cut short');
  state.at += length;
  return text;
}

/** What matches here, or ''. */
export function match(state: State, pattern: RegExp): string {
  pattern.lastIndex = state.at;
  const found = pattern.exec(state.text)?.[0] ?? '';
  state.at += found.length;
  return found;
}

export function number(state: State): number {
  const digits = match(state, /\d{1,6}/y);
  if (digits === '') throw new RangeError('no number');
  return Number(digits);
}

/** `_` is 0, `0_` is 1: of T_, fp_, unnamed types. */
export function ordinal(state: State): number {
  const digits = match(state, /\d{0,6}/y);
  expect(state, '_');
  return digits === '' ? 0 : Number(digits) + 1;
}

export function deeper<T>(state: State, read: () => T): T {
  if (++state.depth > DEPTH_LIMIT) throw new RangeError('name too deep');
  const result = read();
  state.depth--;
  return result;
}

export function remember(state: State, item: Node): Node {
  state.substitutions.push(item);
  return item;
}
