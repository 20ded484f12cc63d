/**
 * What a mangled name is parsed to. A type is written around what it declares ("void (*", ")(int)"), so every node
 * prints as two halves. Printing is bounded: references make a short name print without end.
 */

/** Position within the parameter pack being expanded; −1 outside. `size` is set by the pack that is met. */
export type Printer = { packIndex: number; packSize: number; steps: number; scope: Scope | null };

/** Whose template arguments T_ means: a substitution can be made in one function and used in another. Null: a lambda. */
export type Scope = { items: readonly Node[] | null; outer: Scope | null };

export type Node = {
  print(printer: Printer): [left: string, right: string];
  /** Ends in template arguments: such a function's return type is part of its name. */
  isTemplate?: boolean;
  /** Constructors, destructors and conversions have no return type even so. */
  hasNoReturn?: boolean;
  /** The last part, that constructors are named after. */
  base?: string;
  /** After a member function's parameters: " const", " &". */
  qualifiers?: string;
};

const STEP_LIMIT = 20_000;
const LENGTH_LIMIT = 16_384;

export function newPrinter(): Printer {
  return { packIndex: -1, packSize: -1, steps: 0, scope: null };
}

export function textNode(text: string, extra: Partial<Node> = {}): Node {
  return { ...extra, print: () => [text, ''] };
}

export function node(print: Node['print'], extra: Partial<Node> = {}): Node {
  return {
    ...extra,
    print(printer) {
      if (++printer.steps > STEP_LIMIT) throw new RangeError('name without end');
      const halves = print(printer);
      if (halves[0].length + halves[1].length > LENGTH_LIMIT) throw new RangeError('name too long');
      return halves;
    },
  };
}

export function whole(item: Node, printer: Printer): string {
  const [left, right] = item.print(printer);
  return wraps(right) ? `${left} ${right}` : left + right;
}

/** Functions and arrays: a pointer to one needs parentheses. What is a pointer already goes on with `)`. */
function wraps(right: string): boolean {
  return right.startsWith('(') || right.startsWith('[');
}

/** Printed with T_ meaning these arguments. */
export function scoped(
  items: readonly Node[] | null,
  printer: Printer,
  print: () => [string, string],
): [string, string] {
  const outer = printer.scope;
  printer.scope = { items, outer };
  const halves = print();
  printer.scope = outer;
  return halves;
}

export function parameterNode(index: number): Node {
  return node((printer) => {
    const { scope } = printer;
    if (scope && scope.items === null) return [`auto:${index + 1}`, ''];
    const item = scope?.items?.[index];
    if (!scope || !item) throw new RangeError('template parameter not known');
    // An argument speaks of the template around, not of its own.
    printer.scope = scope.outer;
    const halves = item.print(printer);
    printer.scope = scope;
    return halves;
  });
}

/** Separated by commas; what prints as nothing (an empty pack) leaves no comma. */
export function joined(items: readonly Node[], printer: Printer): string {
  return items
    .map((item) => whole(item, printer))
    .filter((text) => text !== '')
    .join(', ');
}

export function angled(items: readonly Node[], printer: Printer): string {
  const text = joined(items, printer);
  return `<${text}${text.endsWith('>') ? ' ' : ''}>`;
}

/** `*`, `&`, `&&` behind a type; a reference to a reference collapses. */
export function pointer(target: Node, mark: string): Node {
  return node((printer) => {
    const [left, right] = target.print(printer);
    if (wraps(right)) return [`${left} (${mark}`, `)${right.startsWith('[') ? ' ' : ''}${right}`];
    if (mark !== '*' && left.endsWith('&')) {
      const isLvalue = mark === '&' || !left.endsWith('&&');
      return [left.replace(/&&?$/, isLvalue ? '&' : '&&'), right];
    }
    return [left + mark, right];
  });
}

/** `const` and the like behind a type; of a function, behind its parameters. */
export function qualified(target: Node, words: string): Node {
  return node((printer) => {
    const [left, right] = target.print(printer);
    return right.startsWith('(') ? [left, `${right} ${words}`] : [`${left} ${words}`, right];
  });
}

export function functionNode(result: Node | null, parameters: readonly Node[], end: string): Node {
  return node((printer) => {
    const [left, right] = result ? result.print(printer) : ['', ''];
    return [left, `(${joined(parameters, printer)})${end}${right}`];
  });
}

export function packNode(items: readonly Node[]): Node {
  return node((printer) => {
    if (printer.packIndex < 0) return [joined(items, printer), ''];
    printer.packSize = items.length;
    const item = items[printer.packIndex];
    return item ? item.print(printer) : ['', ''];
  });
}

/** A pattern, once for each element of the pack in it. */
export function expansion(pattern: Node): Node {
  return node((printer) => {
    const before = { ...printer };
    const texts: string[] = [];
    printer.packIndex = 0;
    printer.packSize = -1;
    let text = whole(pattern, printer);
    const count = printer.packSize;
    if (count < 0) text += '...';
    for (let i = 1; i <= Math.max(count, 1); i++) {
      if (count !== 0) texts.push(text);
      if (i >= count) break;
      printer.packIndex = i;
      text = whole(pattern, printer);
    }
    printer.packIndex = before.packIndex;
    printer.packSize = before.packSize;
    return [texts.filter((part) => part !== '').join(', '), ''];
  });
}
