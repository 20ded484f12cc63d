/**
 * Rust's names since 1.37 ("v0", RFC 2603): a grammar with back references. Hashes and the crate that instantiated a
 * generic are left out, as rustc-demangle does in its short form.
 */

/** Where we are in the text, and what was written. `muted` counts what is read but not shown. */
type State = {
  text: string;
  at: number;
  out: string[];
  muted: number;
  depth: number;
  steps: number;
  bound: number;
};

const DEPTH_LIMIT = 200;
const STEP_LIMIT = 20_000;

const BASIC: Record<string, string> = {
  a: 'i8',
  b: 'bool',
  c: 'char',
  d: 'f64',
  e: 'str',
  f: 'f32',
  h: 'u8',
  i: 'isize',
  j: 'usize',
  l: 'i32',
  m: 'u32',
  n: 'i128',
  o: 'u128',
  p: '_',
  s: 'i16',
  t: 'u16',
  u: '()',
  v: '...',
  x: 'i64',
  y: 'u64',
  z: '!',
};

/** Null when it is no such name; throws RangeError when it is malformed. */
export function demangleRustV0(mangled: string): string | null {
  const match = /^_R([A-Z]\w*)(\.[\w.$@]*)?$/.exec(mangled);
  if (!match) return null;
  const state: State = { text: match[1]!, at: 0, out: [], muted: 0, depth: 0, steps: 0, bound: 0 };
  path(state, true);
  if (state.at < state.text.length) mute(state, () => path(state, false));
  if (state.at !== state.text.length) throw new RangeError('more than a name');
  const suffix = (match[2] ?? '').replace(/\.llvm\.\w+$/, '');
  return state.out.join('') + suffix;
}

function write(state: State, text: string): void {
  if (++state.steps > STEP_LIMIT) throw new RangeError('name too long');
  if (state.muted === 0) state.out.push(text);
}

function mute(state: State, read: () => void): void {
  state.muted++;
  read();
  state.muted--;
}

function next(state: State): string {
  const letter = state.text[state.at++];
  if (letter === undefined) throw new RangeError('name cut short');
  return letter;
}

function eat(state: State, letter: string): boolean {
  if (state.text[state.at] !== letter) return false;
  state.at++;
  return true;
}

function deeper(state: State, read: () => void): void {
  if (++state.depth > DEPTH_LIMIT || ++state.steps > STEP_LIMIT) throw new RangeError('name too deep');
  read();
  state.depth--;
}

function base62(state: State): number {
  if (eat(state, '_')) return 0;
  let value = 0;
  for (;;) {
    const letter = next(state);
    if (letter === '_') return value + 1;
    const digit = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'.indexOf(letter);
    value = value * 62 + digit;
    // Hashes of crates need 64 bits; they are not shown, so their last bits do not matter.
    if (digit < 0 || value > 2 ** 64) throw new RangeError('not a number');
  }
}

function disambiguator(state: State): number {
  return eat(state, 's') ? base62(state) + 1 : 0;
}

function identifier(state: State): string {
  const isPunycode = eat(state, 'u');
  const digits = /^(0|[1-9]\d{0,4})_?/.exec(state.text.slice(state.at, state.at + 6));
  if (!digits) throw new RangeError('no identifier');
  const from = state.at + digits[0].length;
  state.at = from + Number(digits[1]);
  if (state.at > state.text.length) throw new RangeError('name cut short');
  const name = state.text.slice(from, state.at);
  return isPunycode ? `punycode{${name}}` : name;
}

/** Reads again what stood at an earlier place. */
function backReference(state: State, read: () => void): void {
  const here = state.at - 1;
  const target = base62(state);
  if (target >= here) throw new RangeError('reference forward');
  const after = state.at;
  state.at = target;
  // Once muted, where it leads makes no difference.
  if (state.muted === 0) deeper(state, read);
  state.at = after;
}

function path(state: State, inValue: boolean): void {
  deeper(state, () => {
    const tag = next(state);
    switch (tag) {
      case 'C':
        disambiguator(state);
        write(state, identifier(state));
        return;
      case 'N':
        nestedPath(state, inValue);
        return;
      case 'M':
      case 'X':
        disambiguator(state);
        mute(state, () => path(state, false));
        qualified(state, tag === 'X');
        return;
      case 'Y':
        qualified(state, true);
        return;
      case 'I':
        path(state, inValue);
        write(state, inValue ? '::<' : '<');
        list(state, ', ', () => genericArgument(state));
        write(state, '>');
        return;
      case 'B':
        backReference(state, () => path(state, inValue));
        return;
      default:
        throw new RangeError(`unknown path ${tag}`);
    }
  });
}

function nestedPath(state: State, inValue: boolean): void {
  const space = next(state);
  path(state, inValue);
  const number = disambiguator(state);
  const name = identifier(state);
  if (space >= 'A' && space <= 'Z') {
    const kind = space === 'C' ? 'closure' : space === 'S' ? 'shim' : space;
    write(state, `::{${kind}${name ? `:${name}` : ''}#${number}}`);
  } else if (name) {
    write(state, `::${name}`);
  }
}

function qualified(state: State, hasTrait: boolean): void {
  write(state, '<');
  type(state);
  if (hasTrait) {
    write(state, ' as ');
    path(state, false);
  }
  write(state, '>');
}

/** Up to an E. Returns how many there were. */
function list(state: State, separator: string, read: () => void): number {
  let count = 0;
  for (; !eat(state, 'E'); count++) {
    if (count > 0) write(state, separator);
    read();
  }
  return count;
}

function genericArgument(state: State): void {
  if (eat(state, 'L')) lifetime(state, base62(state));
  else if (eat(state, 'K')) constant(state);
  else type(state);
}

function lifetime(state: State, index: number): void {
  if (index === 0) {
    write(state, "'_");
    return;
  }
  const depth = state.bound - index;
  if (depth < 0) throw new RangeError('unknown lifetime');
  write(state, depth < 26 ? `'${String.fromCharCode(97 + depth)}` : `'_${depth}`);
}

function type(state: State): void {
  deeper(state, () => {
    const tag = next(state);
    const basic = BASIC[tag];
    if (basic !== undefined) {
      write(state, basic);
      return;
    }
    switch (tag) {
      case 'R':
      case 'Q': {
        write(state, '&');
        const index = eat(state, 'L') ? base62(state) : 0;
        if (index > 0) lifetime(state, index);
        write(state, `${index > 0 ? ' ' : ''}${tag === 'Q' ? 'mut ' : ''}`);
        type(state);
        return;
      }
      case 'P':
      case 'O':
        write(state, tag === 'P' ? '*const ' : '*mut ');
        type(state);
        return;
      case 'A':
      case 'S':
        write(state, '[');
        type(state);
        if (tag === 'A') {
          write(state, '; ');
          constant(state);
        }
        write(state, ']');
        return;
      case 'T': {
        write(state, '(');
        const count = list(state, ', ', () => type(state));
        write(state, count === 1 ? ',)' : ')');
        return;
      }
      case 'F':
        bound(state, () => functionType(state));
        return;
      case 'D':
        dynType(state);
        return;
      case 'B':
        backReference(state, () => type(state));
        return;
      default:
        state.at--;
        path(state, false);
    }
  });
}

/** `for<'a> …` */
function bound(state: State, read: () => void): void {
  const count = eat(state, 'G') ? base62(state) + 1 : 0;
  if (count > 26) throw new RangeError('too many lifetimes');
  const before = state.bound;
  if (count > 0) write(state, 'for<');
  for (let i = 0; i < count; i++) {
    if (i > 0) write(state, ', ');
    state.bound++;
    lifetime(state, 1);
  }
  if (count > 0) write(state, '> ');
  read();
  state.bound = before;
}

function functionType(state: State): void {
  if (eat(state, 'U')) write(state, 'unsafe ');
  if (eat(state, 'K')) {
    const abi = eat(state, 'C') ? 'C' : identifier(state).replaceAll('_', '-');
    write(state, `extern "${abi}" `);
  }
  write(state, 'fn(');
  list(state, ', ', () => type(state));
  write(state, ')');
  if (eat(state, 'u')) return;
  write(state, ' -> ');
  type(state);
}

function dynType(state: State): void {
  write(state, 'dyn ');
  bound(state, () => {
    list(state, ' + ', () => dynTrait(state));
  });
  if (!eat(state, 'L')) throw new RangeError('no lifetime');
  const index = base62(state);
  if (index === 0) return;
  write(state, ' + ');
  lifetime(state, index);
}

function dynTrait(state: State): void {
  let isOpen = openPath(state);
  while (eat(state, 'p')) {
    write(state, isOpen ? ', ' : '<');
    isOpen = true;
    write(state, `${identifier(state)} = `);
    type(state);
  }
  if (isOpen) write(state, '>');
}

/** A path whose generic arguments are left open for the associated types that follow. */
function openPath(state: State): boolean {
  if (eat(state, 'B')) {
    let isOpen = false;
    backReference(state, () => {
      isOpen = openPath(state);
    });
    return isOpen;
  }
  if (!eat(state, 'I')) {
    path(state, false);
    return false;
  }
  path(state, false);
  write(state, '<');
  list(state, ', ', () => genericArgument(state));
  return true;
}

function constant(state: State): void {
  const tag = next(state);
  if (tag === 'B') {
    backReference(state, () => constant(state));
    return;
  }
  if (tag === 'p') {
    write(state, '_');
    return;
  }
  const isNegative = 'aslxni'.includes(tag) && eat(state, 'n');
  const hex = /^([0-9a-f]{0,32})_/.exec(state.text.slice(state.at, state.at + 33));
  if (!'htmyojaslxnibc'.includes(tag) || !hex) throw new RangeError('unknown constant');
  state.at += hex[0].length;
  const value = BigInt(`0x${hex[1] || '0'}`);
  if (tag === 'b') {
    write(state, value === 0n ? 'false' : 'true');
    return;
  }
  if (tag === 'c') {
    write(state, `'${String.fromCodePoint(Number(value))}'`);
    return;
  }
  write(state, `${isNegative ? '-' : ''}${value < 1n << 64n ? value : `0x${hex[1]}`}`);
}
