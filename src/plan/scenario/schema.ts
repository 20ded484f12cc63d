/** Is this value a scenario? Every refusal names the field: `kinds[2].weight: must be a positive number, got "x"`. */
import * as v from 'valibot';
import { LoopscopeError } from '../../base/errors.ts';
import { fieldProblem, type KnownFields } from '../../base/input/field-problem.ts';
import type { JsonObject, JsonValue, Scenario } from './scenario.ts';

const MAX_KIND_COUNT = 1000;
const MAX_CAPTURE_BYTES = 16 * 1024 * 1024;

const text = v.string('must be text');
const name = v.pipe(
  text,
  v.minLength(1, 'must not be empty'),
  v.maxLength(200, 'must have at most 200 characters'),
);
const positive = v.custom<number>(
  (value) => typeof value === 'number' && value > 0 && value <= 1e9,
  'must be a positive number',
);
const size = v.custom<number>(
  (value) => Number.isInteger(value) && (value as number) >= 0,
  'must be a whole number of bytes',
);

function oneOrMore<T extends v.GenericSchema>(item: T) {
  return v.lazy((input) => (Array.isArray(input) ? v.array(item) : item)) as v.GenericSchema<
    unknown,
    v.InferOutput<T> | v.InferOutput<T>[]
  >;
}

/** Names become keys of plain objects only, so that none can reach a prototype. */
function byName<T extends v.GenericSchema>(item: T, what: string) {
  const plain = v.custom<object>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      !Object.hasOwn(value, '__proto__'),
    what,
  );
  return v.pipe(plain, v.record(text, item)) as v.GenericSchema<unknown, Record<string, v.InferOutput<T>>>;
}

const json = v.custom<JsonValue>(isJson, 'must be a JSON value');
const jsonObject = v.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && isJson(value),
  'must be an object of JSON values',
);
const headers = byName(oneOrMore(text), 'must be an object of header names and values');

const status = v.custom<number | string>(
  (value) =>
    typeof value === 'number'
      ? Number.isInteger(value) && value >= 100 && value <= 999
      : typeof value === 'string' && /^([1-9]xx|[1-9]\d\d(-[1-9]\d\d)?)$/.test(value.trim()),
  'must be a status (200), a class ("2xx") or a range ("200-204")',
);

const headerCheck = v.lazy((input): v.GenericSchema<unknown, boolean | string | { matches: string }> => {
  if (typeof input === 'boolean') return v.boolean();
  if (typeof input === 'object' && input !== null)
    return v.strictObject({ matches: v.pipe(text, v.check(isRegExp, 'is not a regular expression')) });
  return v.string('must be true, false, the value, or { "matches": "…" }');
});

const bytesCheck = v.lazy((input): v.GenericSchema<unknown, number | { min?: number; max?: number }> => {
  if (typeof input !== 'object' || input === null) return size;
  return v.strictObject({ min: v.optional(size), max: v.optional(size) });
});

const body = v.strictObject({
  contains: v.optional(oneOrMore(name)),
  equals: v.optional(text),
  json: v.optional(byName(json, 'must be an object of paths and values')),
  has: v.optional(oneOrMore(text)),
  bytes: v.optional(bytesCheck),
});

const checks = v.strictObject({
  status: v.optional(oneOrMore(status)),
  headers: v.optional(byName(headerCheck, 'must be an object of header names and checks')),
  body: v.optional(body),
});

const dataFile = v.strictObject({
  file: name,
  format: v.optional(v.picklist(['csv', 'jsonl'], 'must be "csv" or "jsonl"')),
  pick: v.optional(v.picklist(['sequential', 'random'], 'must be "sequential" or "random"')),
});

const data = v.lazy((input) => {
  if (Array.isArray(input)) return v.pipe(v.array(jsonObject), v.minLength(1, 'must have at least one row'));
  if (typeof input === 'object' && input !== null) return dataFile;
  return v.pipe(
    v.string('must be a file name, { "file": … } or a list of rows'),
    v.minLength(1, 'must not be empty'),
  );
}) as v.GenericSchema<unknown, string | v.InferOutput<typeof dataFile> | JsonObject[]>;

const requestBody = v.custom<string | JsonObject | JsonValue[]>(
  (value) => typeof value === 'string' || (typeof value === 'object' && value !== null && isJson(value)),
  'must be text, or an object or list to be sent as JSON',
);

const kind = v.strictObject({
  name: v.optional(name),
  weight: v.optional(positive),
  method: v.optional(name),
  path: v.optional(v.pipe(text, v.regex(/^(\/|\*$|\{\{)/, 'must begin with /'))),
  headers: v.optional(headers),
  body: v.optional(requestBody),
  bodyFile: v.optional(name),
  data: v.optional(data),
  checks: v.optional(checks),
});

const scenario = v.strictObject({
  description: v.optional(text),
  headers: v.optional(headers),
  captureBytes: v.optional(
    v.pipe(size, v.maxValue(MAX_CAPTURE_BYTES, `must be at most ${MAX_CAPTURE_BYTES}`)),
  ),
  failIf: v.optional(oneOrMore(name)),
  kinds: v.pipe(
    v.array(kind, 'must be a list of kinds of requests'),
    v.minLength(1, 'must have at least one kind'),
    v.maxLength(MAX_KIND_COUNT, `must have at most ${MAX_KIND_COUNT} kinds`),
  ),
});

const FIELDS: KnownFields = [
  [/^$/, scenario],
  [/^kinds\[\d+\]$/, kind],
  [/\.checks$/, checks],
  [/\.checks\.body$/, body],
  [/\.data$/, dataFile],
];

/** Checks a value from a file. Throws USAGE naming the first field at fault. */
export function validateScenario(value: unknown, where: string): Scenario {
  // A list would pass for an object whose fields are 0, 1, 2…
  if (Array.isArray(value)) {
    throw new LoopscopeError('USAGE', `${where}: must be an object, got a list`, 'write { "kinds": […] }');
  }
  const result = v.safeParse(scenario as v.GenericSchema<unknown, Scenario>, value);
  if (result.success) return result.output;
  throw fieldProblem(where, result.issues, FIELDS);
}

const MAX_DEPTH = 100;

function isJson(value: unknown, depth = 0): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth > MAX_DEPTH) return false;
  return Object.values(value).every((part) => isJson(part, depth + 1));
}

function isRegExp(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}
