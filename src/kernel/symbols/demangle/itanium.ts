/** C++ names as gcc and clang mangle them (Itanium C++ ABI section 5.1), written as c++filt(1) writes them. */

import { parseName } from './itanium-names.ts';
import { type Node, newPrinter, node, scoped, whole } from './itanium-nodes.ts';
import { deeper, eat, expect, match, peek, type State } from './itanium-state.ts';
import { parseParameters, parseType } from './itanium-types.ts';
import { SPECIAL_OF_NAME, SPECIAL_OF_TYPE } from './itanium-words.ts';

/** Null when it is no such name; throws RangeError for what is malformed or not understood. */
export function demangleItanium(mangled: string): string | null {
  if (!mangled.startsWith('_Z')) return null;
  const state: State = {
    text: mangled,
    at: 2,
    depth: 0,
    substitutions: [],
    templateArguments: [],
    isNaming: false,
  };
  const parsed = parseEncoding(state);
  // What compilers make of parts of a function: ".cold", ".isra.0", ".constprop.0".
  const clones: string[] = [];
  while (state.at < mangled.length) {
    const clone = match(state, /\.[A-Za-z_]+(\.\d+)*|(\.\d+)+/y);
    if (clone === '') throw new RangeError('more than a name');
    clones.push(` [clone ${clone}]`);
  }
  return whole(parsed, newPrinter()).trimEnd() + clones.join('');
}

/** `form`: a function's name alone, without its parameters, or without the type of its result. */
export function parseEncoding(state: State, form: 'whole' | 'name' | 'no result' = 'whole'): Node {
  return deeper(state, () => {
    if (peek(state, 'G') || peek(state, 'T')) return parseSpecial(state);
    const outer = { templateArguments: state.templateArguments, isNaming: state.isNaming };
    state.isNaming = true;
    const name = parseName(state);
    state.isNaming = false;
    const isData = state.at >= state.text.length || peek(state, 'E') || peek(state, '.');
    const result = isData ? dataName(state, name) : parseSignature(state, name, form);
    state.isNaming = outer.isNaming;
    // Within a type they are its own; the rest of a local name may refer to those of the function around it.
    if (!outer.isNaming) state.templateArguments = outer.templateArguments;
    return result;
  });
}

function parseSignature(state: State, name: Node, form: 'whole' | 'name' | 'no result'): Node {
  const result = name.isTemplate && !name.hasNoReturn ? parseType(state) : null;
  const parameters = parseParameters(state);
  const items = state.templateArguments;
  if (form === 'name') return name;
  return node((printer) =>
    scoped(items, printer, () => {
      const [left, right] = result && form === 'whole' ? result.print(printer) : ['', ''];
      const texts = parameters.map((parameter) => whole(parameter, printer)).filter((text) => text !== '');
      const own = `${whole(name, printer)}(${texts.join(', ')})${name.qualifiers ?? ''}`;
      // A result that is a pointer to a function surrounds the name.
      return [`${left}${left === '' || left.endsWith('(*') ? '' : ' '}${own}${right}`, ''];
    }),
  );
}

/** A variable template's arguments are its own to name, as a conversion operator's are. */
function dataName(state: State, name: Node): Node {
  const items = state.templateArguments;
  return node((printer) => scoped(items, printer, () => name.print(printer)), name);
}

function parseSpecial(state: State): Node {
  const two = state.text.slice(state.at, state.at + 2);
  const ofType = SPECIAL_OF_TYPE[two];
  if (ofType !== undefined) {
    state.at += 2;
    return prefixed(ofType, parseType(state));
  }
  const ofName = SPECIAL_OF_NAME[two];
  if (ofName !== undefined) {
    state.at += 2;
    return prefixed(ofName, parseName(state));
  }
  if (eat(state, 'GR')) {
    const name = parseName(state);
    const index = match(state, /[0-9A-Z]*/y);
    expect(state, '_');
    return prefixed(`reference temporary #${index === '' ? 0 : Number.parseInt(index, 36) + 1} for `, name);
  }
  if (eat(state, 'GTt')) return prefixed('transaction clone for ', parseEncoding(state));
  if (eat(state, 'TC')) {
    const complete = parseType(state);
    match(state, /\d+/y);
    expect(state, '_');
    const base = parseType(state);
    return node((printer) => [
      `construction vtable for ${whole(base, printer)}-in-${whole(complete, printer)}`,
      '',
    ]);
  }
  if (eat(state, 'Tc')) {
    callOffset(state);
    callOffset(state);
    return prefixed('covariant return thunk to ', parseEncoding(state));
  }
  const isVirtual = peek(state, 'Tv');
  if (!isVirtual && !peek(state, 'Th')) throw new RangeError('unknown special name');
  state.at++;
  callOffset(state);
  return prefixed(isVirtual ? 'virtual thunk to ' : 'non-virtual thunk to ', parseEncoding(state));
}

function callOffset(state: State): void {
  if (match(state, /hn?\d+_|vn?\d+_n?\d+_/y) === '') throw new RangeError('no offset');
}

function prefixed(words: string, item: Node): Node {
  return node((printer) => [words + whole(item, printer), '']);
}
