/** Types. What can be referred to later is remembered in the order the grammar names it. */
import { parseExpression } from './itanium-expressions.ts';
import { parseName, parseSubstitution, parseTemplateArguments, withArguments } from './itanium-names.ts';
import {
  angled,
  expansion,
  functionNode,
  type Node,
  node,
  parameterNode,
  pointer,
  qualified,
  textNode,
  whole,
} from './itanium-nodes.ts';
import {
  deeper,
  eat,
  expect,
  match,
  number,
  ordinal,
  peek,
  remember,
  type State,
  take,
} from './itanium-state.ts';
import { BUILTIN_TYPES } from './itanium-words.ts';

const POINTERS: Record<string, string> = { P: '*', R: '&', O: '&&' };
const ELABORATED = { Ts: 'struct', Tu: 'union', Te: 'enum' };

/** One or more types; a lone void means none. */
export function parseParameters(state: State): Node[] {
  const items: Node[] = [];
  if (eat(state, 'v')) return items;
  const ends = () =>
    state.at >= state.text.length ||
    peek(state, 'E') ||
    peek(state, '.') ||
    /[RO]E/y.test(state.text.slice(state.at, state.at + 2));
  do items.push(parseType(state));
  while (!ends());
  return items;
}

export function parseType(state: State): Node {
  return deeper(state, () => {
    const builtin = /^(D[defhisuacn]|[a-z])/.exec(state.text.slice(state.at, state.at + 2))?.[0] ?? '';
    const word = BUILTIN_TYPES[builtin];
    if (word !== undefined) {
      state.at += builtin.length;
      return textNode(word);
    }
    return parseCompound(state, state.text[state.at] ?? '');
  });
}

function parseCompound(state: State, letter: string): Node {
  const mark = POINTERS[letter];
  if (mark !== undefined) {
    state.at++;
    return remember(state, pointer(parseType(state), mark));
  }
  const words = match(state, /r?V?K?/y);
  if (words !== '') {
    // Function types carry their qualifiers themselves: the two are one entry.
    const target = peek(state, 'F') ? parseFunction(state) : parseType(state);
    const text = `${/K/.test(words) ? 'const ' : ''}${/V/.test(words) ? 'volatile ' : ''}${/r/.test(words) ? '__restrict ' : ''}`;
    return remember(state, qualified(target, text.trimEnd()));
  }
  switch (letter) {
    case 'F':
      return remember(state, parseFunction(state));
    case 'A':
      return remember(state, parseArray(state));
    case 'M':
      return remember(state, parseMember(state));
    case 'C':
    case 'G': {
      state.at++;
      const target = parseType(state);
      return remember(state, qualified(target, letter === 'C' ? '_Complex' : '_Imaginary'));
    }
    case 'U':
      return remember(state, parseVendor(state));
    case 'u':
      state.at++;
      return remember(state, textNode(take(state, number(state))));
    case 'T':
      return parseTemplateType(state);
    case 'D':
      return parseNewer(state);
    case 'S':
      if (peek(state, 'St')) break;
      return parseSubstituted(state);
  }
  const name = parseName(state);
  return remember(state, name);
}

function parseFunction(state: State): Node {
  expect(state, 'F');
  eat(state, 'Y');
  const result = parseType(state);
  const parameters = parseParameters(state);
  const reference = eat(state, 'R') ? ' &' : eat(state, 'O') ? ' &&' : '';
  expect(state, 'E');
  return functionNode(result, parameters, reference);
}

function parseArray(state: State): Node {
  expect(state, 'A');
  const digits = match(state, /\d*/y);
  const expression = digits === '' && !peek(state, '_') ? parseExpression(state) : null;
  expect(state, '_');
  const element = parseType(state);
  return node((printer) => {
    const [left, right] = element.print(printer);
    return [left, `[${expression ? whole(expression, printer) : digits}]${right}`];
  });
}

function parseMember(state: State): Node {
  expect(state, 'M');
  const scope = parseType(state);
  const member = parseType(state);
  return node((printer) => {
    const [left, right] = member.print(printer);
    const owner = whole(scope, printer);
    return right.startsWith('(') ? [`${left} (${owner}::*`, `)${right}`] : [`${left} ${owner}::*`, right];
  });
}

function parseVendor(state: State): Node {
  expect(state, 'U');
  const word = take(state, number(state));
  const items = peek(state, 'I') ? parseTemplateArguments(state) : [];
  const target = parseType(state);
  return node((printer) => {
    const [left, right] = target.print(printer);
    return [`${left} ${word}${items.length > 0 ? angled(items, printer) : ''}`, right];
  });
}

function parseTemplateType(state: State): Node {
  for (const [code, word] of Object.entries(ELABORATED)) {
    if (!eat(state, code)) continue;
    const name = parseName(state);
    return remember(
      state,
      node((printer) => [`${word} ${whole(name, printer)}`, '']),
    );
  }
  const parameter = remember(state, parseTemplateParameter(state));
  return peek(state, 'I') ? remember(state, withArguments(state, parameter)) : parameter;
}

export function parseTemplateParameter(state: State): Node {
  expect(state, 'T');
  const index = ordinal(state);
  return parameterNode(index);
}

function parseSubstituted(state: State): Node {
  const item = parseSubstitution(state);
  if (peek(state, 'I')) return remember(state, withArguments(state, item));
  return item;
}

/** Types that begin with D. */
function parseNewer(state: State): Node {
  if (peek(state, 'Dt') || peek(state, 'DT')) return remember(state, parseDecltype(state));
  if (eat(state, 'Dp')) return remember(state, expansion(parseType(state)));
  if (eat(state, 'Dv')) return remember(state, parseVector(state));
  if (eat(state, 'DF')) {
    const bits = number(state);
    if (match(state, /[bx]/y) === 'b') return textNode('std::bfloat16_t');
    eat(state, '_');
    return textNode(`_Float${bits}`);
  }
  if (eat(state, 'Do')) return remember(state, { ...noexcept(parseFunction(state)) });
  throw new RangeError('unknown type');
}

function noexcept(target: Node): Node {
  return node((printer) => {
    const [left, right] = target.print(printer);
    return [left, `${right} noexcept`];
  });
}

export function parseDecltype(state: State): Node {
  state.at += 2;
  const expression = parseExpression(state);
  expect(state, 'E');
  return node((printer) => [`decltype (${whole(expression, printer)})`, '']);
}

function parseVector(state: State): Node {
  const count = number(state);
  expect(state, '_');
  const element = parseType(state);
  return node((printer) => [`${whole(element, printer)} __vector(${count})`, '']);
}
