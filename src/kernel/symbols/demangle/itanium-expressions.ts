/** Expressions in template arguments and decltype: those that occur in names of functions; others are refused. */
import { parseEncoding } from './itanium.ts';
import { parseSubstitution, parseTemplateArguments, parseUnqualified } from './itanium-names.ts';
import { angled, expansion, joined, type Node, node, textNode, whole } from './itanium-nodes.ts';
import { deeper, eat, expect, match, ordinal, peek, type State } from './itanium-state.ts';
import { parseTemplateParameter, parseType } from './itanium-types.ts';
import { LITERAL_ENDS, OPERATORS } from './itanium-words.ts';

export function parseLiteral(state: State): Node {
  expect(state, 'L');
  if (eat(state, '_Z') || eat(state, 'Z')) {
    const name = parseEncoding(state);
    expect(state, 'E');
    return name;
  }
  const type = parseType(state);
  const text = match(state, /n?[0-9a-f]*(_[0-9a-f]+)?/y);
  expect(state, 'E');
  const value = text.replace(/^n/, '-');
  return node((printer) => {
    const word = whole(type, printer);
    if (word === 'bool') return [value === '0' ? 'false' : value === '1' ? 'true' : `(bool)${value}`, ''];
    const end = LITERAL_ENDS[word];
    return [
      end === undefined
        ? `(${word})${/^(float|double|long double)$/.test(word) ? `[${value}]` : value}`
        : value + end,
      '',
    ];
  });
}

export function parseExpression(state: State): Node {
  return deeper(state, () => {
    if (peek(state, 'L')) return parseLiteral(state);
    if (peek(state, 'T')) return parseTemplateParameter(state);
    if (eat(state, 'fpT')) return textNode('this');
    if (match(state, /fL\d+p[VKr]*|fp[VKr]*/y) !== '') return textNode(`{parm#${ordinal(state) + 1}}`);
    if (/\d/.test(state.text[state.at] ?? '') || peek(state, 'on')) return parseUnresolvedName(state);
    return parseOperation(state);
  });
}

function parseOperation(state: State): Node {
  const code = state.text.slice(state.at, state.at + 2);
  state.at += 2;
  switch (code) {
    case 'sp':
      return expansion(parseExpression(state));
    case 'sZ': {
      const pack = peek(state, 'T') ? parseTemplateParameter(state) : parseExpression(state);
      return node((printer) => {
        const text = whole(pack, printer);
        return [String(text === '' ? 0 : text.split(', ').length), ''];
      });
    }
    case 'sr':
      return parseScoped(state);
    case 'ad':
      if (eat(state, 'L_Z')) {
        const name = parseEncoding(state, 'name');
        expect(state, 'E');
        return node((printer) => [`&${whole(name, printer)}`, '']);
      }
      return parseOperator(state, code);
    case 'st':
    case 'at':
      return call(code === 'st' ? 'sizeof ' : 'alignof ', [parseType(state)]);
    case 'sz':
      return call('sizeof ', [parseExpression(state)]);
    case 'nx':
      return call('noexcept', [parseExpression(state)]);
    case 'cv': {
      const type = parseType(state);
      const items = eat(state, '_') ? until(state) : [parseExpression(state)];
      return node((printer) => [`(${whole(type, printer)})(${joined(items, printer)})`, '']);
    }
    case 'tl': {
      const type = parseType(state);
      const items = until(state);
      return node((printer) => [`${whole(type, printer)}{${joined(items, printer)}}`, '']);
    }
    case 'il': {
      const items = until(state);
      return node((printer) => [`{${joined(items, printer)}}`, '']);
    }
    case 'cl': {
      const callee = parseExpression(state);
      const items = until(state);
      return node((printer) => [`(${whole(callee, printer)})(${joined(items, printer)})`, '']);
    }
    case 'dt':
    case 'pt': {
      const object = parseExpression(state);
      const member = parseExpression(state);
      const mark = code === 'dt' ? '.' : '->';
      return node((printer) => [`(${whole(object, printer)})${mark}${whole(member, printer)}`, '']);
    }
    default:
      return parseOperator(state, code);
  }
}

function parseOperator(state: State, code: string): Node {
  const known = OPERATORS[code];
  if (!known || known[1] > 3 || code === 'nw' || code === 'na')
    throw new RangeError(`unknown expression ${code}`);
  const [spelling, count] = known;
  const items = Array.from({ length: count }, () => parseExpression(state));
  return node((printer) => {
    const texts = items.map((item) => `(${whole(item, printer)})`);
    if (count === 1) return [spelling + texts[0]!, ''];
    if (count === 3) return [`${texts[0]}?${texts[1]} : ${texts[2]}`, ''];
    if (code === 'ix') return [`${texts[0]}[${whole(items[1]!, printer)}]`, ''];
    return [texts.join(spelling), ''];
  });
}

function call(word: string, items: Node[]): Node {
  return node((printer) => [`${word}(${joined(items, printer)})`, '']);
}

function until(state: State): Node[] {
  const items: Node[] = [];
  while (!eat(state, 'E')) items.push(parseExpression(state));
  return items;
}

/** sr <type> <name>: "T::name". */
function parseScoped(state: State): Node {
  const scope = peek(state, 'S') && !peek(state, 'St') ? parseSubstitutedScope(state) : parseType(state);
  const name = parseUnresolvedName(state);
  return node((printer) => [`${whole(scope, printer)}::${whole(name, printer)}`, '']);
}

function parseSubstitutedScope(state: State): Node {
  const item = parseSubstitution(state);
  if (!peek(state, 'I')) return item;
  const items = parseTemplateArguments(state);
  return node((printer) => [whole(item, printer) + angled(items, printer), '']);
}

function parseUnresolvedName(state: State): Node {
  eat(state, 'on');
  const name = parseUnqualified(state, null);
  if (!peek(state, 'I')) return name;
  const items = parseTemplateArguments(state);
  return node((printer) => [whole(name, printer) + angled(items, printer), '']);
}
