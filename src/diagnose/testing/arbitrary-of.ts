/**
 * Values that a schema of ours allows, made from the schema itself, so that a field added there is at once among what
 * tests try. Hints say what a field's values are like, where any number or any string would tell nothing.
 */
import fc from 'fast-check';
import type * as v from 'valibot';
import { anyText as anyTextUpTo } from '../../../test/helpers/any-text.ts';

/** By the name of a field: what to try there instead of anything that its schema allows. */
export type Hints = Record<string, fc.Arbitrary<unknown>>;

/** What is read of a schema; each kind has some of it. */
type Shape = {
  type: string;
  entries?: Record<string, Shape>;
  item?: Shape;
  items?: Shape[];
  key?: Shape;
  value?: Shape;
  wrapped?: Shape;
  options?: string[];
  literal?: unknown;
  pipe?: (Shape & { kind: string; requirement?: unknown })[];
};

const ITEMS_MAX = 3;

/** Past 2^63 no time of ours exists, and the schemas refuse it. */
const EXTREME = 2 ** 63;

const anyNumber = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 2e9 }) },
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.double({ min: -EXTREME, max: EXTREME, noNaN: true }) },
);
/** Times: up to seconds, none, or absurd. */
const anyNs = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 2e9 }) },
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.double({ min: -EXTREME, max: EXTREME, noNaN: true }) },
);
const anyCount = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 1e5 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 3 }) },
  { weight: 1, arbitrary: fc.maxSafeInteger().map(Math.abs) },
);
/** As hostile as a process may be called. The one key that no run file has is left out. */
export const anyText = anyTextUpTo(24).filter((text) => !text.includes('__proto__'));

/** Any value of a schema. `name`: of the field that it is the schema of. */
export function arbitraryOf<T>(
  schema: v.GenericSchema<unknown, T>,
  hints: Hints = {},
  name = '',
): fc.Arbitrary<T> {
  return shaped(schema as unknown as Shape, hints, name) as fc.Arbitrary<T>;
}

/** The same for each field of an object's schema. */
export function fieldsOf(
  schema: v.GenericSchema<unknown, object>,
  hints: Hints = {},
): Record<string, fc.Arbitrary<unknown>> {
  const { entries = {} } = schema as unknown as Shape;
  return Object.fromEntries(
    Object.entries(entries).map(([name, field]) => [name, shaped(field, hints, name)]),
  );
}

function shaped(schema: Shape, hints: Hints, name: string): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case 'nullable':
      return fc.option(shaped(schema.wrapped!, hints, name), { nil: null });
    case 'optional':
      return fc.option(shaped(schema.wrapped!, hints, name), { nil: undefined });
    default:
  }
  const hint = Object.hasOwn(hints, name) ? hints[name] : undefined;
  if (hint) return hint;
  // The last schema of a pipe is the one that says what comes out.
  const inner = schema.pipe?.findLast((step) => step.kind === 'schema') ?? schema;
  switch (inner.type) {
    case 'object':
      return fc.record(
        Object.fromEntries(
          Object.entries(inner.entries!).map(([key, field]) => [key, shaped(field, hints, key)]),
        ),
      );
    case 'array':
      return fc.array(shaped(inner.item!, hints, name), { maxLength: ITEMS_MAX });
    case 'tuple':
      return fc.tuple(...inner.items!.map((item) => shaped(item, hints, name)));
    case 'record':
      return fc.dictionary(anyText, shaped(inner.value!, hints, name), { maxKeys: 2 });
    case 'picklist':
      return fc.constantFrom(...inner.options!);
    case 'literal':
      return fc.constant(inner.literal);
    case 'boolean':
      return fc.boolean();
    case 'string':
      return anyText;
    case 'number':
      return numbers(schema, name);
    default:
      throw new Error(`${name}: nobody knows how to make a ${inner.type}`);
  }
}

function numbers(schema: Shape, name: string): fc.Arbitrary<number> {
  const limits = schema.pipe ?? [];
  const limitOf = (type: string) => limits.find((step) => step.type === type)?.requirement as number;
  if (limits.some(({ type }) => type === 'integer')) {
    return fc.integer({ min: limitOf('min_value'), max: limitOf('max_value') });
  }
  if (limits.some(({ type }) => type === 'safe_integer')) return anyCount;
  return name.endsWith('Ns') ? anyNs : anyNumber;
}
