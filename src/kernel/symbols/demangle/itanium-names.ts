/** Names: nested, local, unnamed; operators, constructors, lambdas; template arguments and substitutions. */
import { parseEncoding } from './itanium.ts';
import { parseExpression, parseLiteral } from './itanium-expressions.ts';
import { angled, joined, type Node, node, packNode, scoped, textNode, whole } from './itanium-nodes.ts';
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
import { parseDecltype, parseParameters, parseTemplateParameter, parseType } from './itanium-types.ts';
import { OPERATORS, STANDARD, STANDARD_BASES } from './itanium-words.ts';

export function parseName(state: State): Node {
  return deeper(state, () => {
    if (peek(state, 'N')) return parseNested(state);
    if (peek(state, 'Z')) return parseLocal(state);
    let name: Node;
    if (peek(state, 'S') && !peek(state, 'St')) {
      name = parseSubstitution(state);
      if (!peek(state, 'I')) return name;
    } else {
      const isStandard = eat(state, 'St');
      const own = parseUnqualified(state, null);
      name = isStandard ? nested(textNode('std'), own) : own;
      if (!peek(state, 'I')) return name;
      remember(state, name);
    }
    return withArguments(state, name);
  });
}

export function withArguments(state: State, name: Node): Node {
  const items = parseTemplateArguments(state);
  return node(
    (printer) => {
      const text = whole(name, printer);
      return [`${text}${text.endsWith('<') ? ' ' : ''}${angled(items, printer)}`, ''];
    },
    { isTemplate: true, base: name.base ?? '', hasNoReturn: name.hasNoReturn ?? false },
  );
}

export function parseTemplateArguments(state: State): Node[] {
  expect(state, 'I');
  const items: Node[] = [];
  // The arguments themselves may refer to those of the template around.
  const isNaming = state.isNaming;
  state.isNaming = false;
  if (isNaming) state.templateArguments = items;
  while (!eat(state, 'E')) items.push(parseArgument(state));
  state.isNaming = isNaming;
  return items;
}

function parseArgument(state: State): Node {
  return deeper(state, () => {
    if (peek(state, 'L')) return parseLiteral(state);
    if (eat(state, 'X')) {
      const expression = parseExpression(state);
      expect(state, 'E');
      return expression;
    }
    if (eat(state, 'J')) {
      const items: Node[] = [];
      while (!eat(state, 'E')) items.push(parseArgument(state));
      return packNode(items);
    }
    return parseType(state);
  });
}

function nested(scope: Node, own: Node): Node {
  return node((printer) => [`${whole(scope, printer)}::${whole(own, printer)}`, ''], {
    base: own.base ?? '',
    hasNoReturn: own.hasNoReturn ?? false,
  });
}

function parseNested(state: State): Node {
  expect(state, 'N');
  const marks = match(state, /r?V?K?[RO]?/y);
  let name: Node | null = null;
  while (!eat(state, 'E')) {
    if (peek(state, 'I')) {
      if (!name) throw new RangeError('arguments of nothing');
      name = withArguments(state, name);
    } else if (peek(state, 'S') && !peek(state, 'St')) {
      name = parseSubstitution(state);
      continue;
    } else if (peek(state, 'T')) {
      name = parseTemplateParameter(state);
    } else if (peek(state, 'Dt') || peek(state, 'DT')) {
      name = parseDecltype(state);
    } else if (eat(state, 'St')) {
      name = nested(textNode('std'), parseUnqualified(state, null));
    } else {
      const own = parseUnqualified(state, name);
      name = name ? nested(name, own) : own;
    }
    eat(state, 'M'); // the scope of a data member's initialiser
    // The whole name is not remembered: as a type it is, by who reads types.
    if (!peek(state, 'E')) remember(state, name);
  }
  if (!name) throw new RangeError('empty name');
  const words = [/r/, /V/, /K/].map((letter, i) =>
    letter.test(marks) ? [' restrict', ' volatile', ' const'][i] : '',
  );
  const reference = marks.endsWith('R') ? ' &' : marks.endsWith('O') ? ' &&' : '';
  return { ...name, qualifiers: `${words[2]}${words[1]}${words[0]}${reference}` };
}

function parseLocal(state: State): Node {
  expect(state, 'Z');
  const around = parseEncoding(state, 'no result');
  expect(state, 'E');
  if (eat(state, 's')) {
    discriminator(state);
    return nested(around, textNode('string literal'));
  }
  if (eat(state, 'd')) {
    const position = `{default arg#${ordinal(state) + 1}}`;
    return nested(nested(around, textNode(position)), parseName(state));
  }
  const own = parseName(state);
  discriminator(state);
  return { ...nested(around, own), isTemplate: own.isTemplate ?? false, qualifiers: own.qualifiers ?? '' };
}

function discriminator(state: State): void {
  match(state, /__\d+_|_\d/y);
}

export function parseSubstitution(state: State): Node {
  expect(state, 'S');
  const standard = STANDARD[state.text[state.at] ?? ''];
  if (standard !== undefined) {
    state.at++;
    const item = textNode(standard, { base: STANDARD_BASES[standard] ?? standard.replace(/^.*::/, '') });
    return peek(state, 'B') ? remember(state, tagged(state, item)) : item;
  }
  const digits = match(state, /[0-9A-Z]*/y);
  expect(state, '_');
  const found = state.substitutions[digits === '' ? 0 : Number.parseInt(digits, 36) + 1];
  if (!found) throw new RangeError('unknown substitution');
  return found;
}

/** One part of a name; `scope` gives constructors theirs. */
export function parseUnqualified(state: State, scope: Node | null): Node {
  let name: Node;
  eat(state, 'L'); // of internal linkage
  const next = state.text[state.at] ?? '';
  if (/\d/.test(next)) name = sourceName(state);
  else if (peek(state, 'Ut')) name = unnamed(state);
  else if (peek(state, 'Ul')) name = lambda(state);
  else if (eat(state, 'DC')) name = bindings(state);
  else if (next === 'C' || (next === 'D' && /[0-5]/.test(state.text[state.at + 1] ?? ''))) {
    const isInherited = /^CI/.test(take(state, 2));
    if (isInherited) state.at++;
    if (isInherited) parseType(state);
    name = textNode(`${next === 'D' ? '~' : ''}${scope?.base ?? ''}`, { hasNoReturn: true });
  } else name = operator(state);
  return tagged(state, name);
}

function tagged(state: State, name: Node): Node {
  let tags = '';
  while (eat(state, 'B')) tags += `[abi:${take(state, number(state))}]`;
  return tags === ''
    ? name
    : { ...node((printer) => [whole(name, printer) + tags, '']), base: name.base ?? '' };
}

function sourceName(state: State): Node {
  const text = take(state, number(state));
  const shown = /^_GLOBAL_[._$]N/.test(text) ? '(anonymous namespace)' : text;
  return textNode(shown, { base: shown });
}

function unnamed(state: State): Node {
  expect(state, 'Ut');
  return textNode(`{unnamed type#${ordinal(state) + 1}}`);
}

function lambda(state: State): Node {
  expect(state, 'Ul');
  const parameters = parseParameters(state);
  expect(state, 'E');
  const position = ordinal(state) + 1;
  return node((printer) => {
    const [text] = scoped(null, printer, () => [joined(parameters, printer), '']);
    return [`{lambda(${text})#${position}}`, ''];
  });
}

function bindings(state: State): Node {
  const names: string[] = [];
  while (!eat(state, 'E')) names.push(take(state, number(state)));
  return textNode(`[${names.join(', ')}]`);
}

function operator(state: State): Node {
  const code = take(state, 2);
  if (code === 'cv') {
    const target = parseType(state);
    return node((printer) => [`operator ${whole(target, printer)}`, ''], { hasNoReturn: true });
  }
  if (code === 'li') {
    const suffix = take(state, number(state));
    return textNode(`operator"" ${suffix}`);
  }
  const spelling = OPERATORS[code]?.[0];
  if (spelling === undefined) throw new RangeError(`unknown operator ${code}`);
  return textNode(`operator${/^[a-z]/.test(spelling) ? ' ' : ''}${spelling}`);
}
