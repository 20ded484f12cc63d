/**
 * Parameters of arrival processes: declared as data beside each process, so that the command line, the library and the
 * documents agree about names, units and limits. "gamma:cv=3", "onoff:on=100ms,off=400ms"; the first declared one needs
 * no name: "jitter:500us".
 */
import { LoopscopeError } from '../base/errors.ts';
import { nearMiss } from '../base/input/near-miss.ts';
import { formatNs, parseDurationNs, typedDuration } from '../base/units.ts';

/** A key ending in "Ns" is a duration and is typed without that ending: `onNs` is "on=100ms". Null: may be left out. */
export type Parameter =
  | {
      readonly kind: 'number' | 'count' | 'duration';
      readonly default: number | null;
      readonly min: number;
      readonly max: number;
      readonly summary: string;
    }
  | {
      readonly kind: 'choice';
      readonly default: string;
      readonly choices: readonly string[];
      readonly summary: string;
    };

export type Parameters = Readonly<Record<string, Parameter>>;

/** Durations in ns, by the declared key. */
export type ArrivalParams = Readonly<Record<string, number | string | null>>;

type ValueOf<P extends Parameter> = P extends { kind: 'choice'; choices: readonly (infer C)[] }
  ? C
  : P extends { default: null }
    ? number | null
    : number;

/** The name a user types. */
export function typedName(key: string): string {
  return key.replace(/Ns$/, '');
}

/** Values for every declared parameter: the given one, or its default. Throws USAGE naming the one at fault. */
export function readParams<const P extends Parameters>(
  parameters: P,
  given: ArrivalParams = {},
  where = '--arrival',
): { readonly [K in keyof P]: ValueOf<P[K]> } {
  for (const key of Object.keys(given))
    if (!Object.hasOwn(parameters, key)) throw unknown(parameters, key, where);
  const values = Object.entries(parameters).map(([key, parameter]) => {
    const value = given[key];
    return [
      key,
      value === undefined || value === null ? parameter.default : checked(parameter, key, value, where),
    ];
  });
  return Object.fromEntries(values);
}

/** Reads "cv=3,…" or a bare first value. Throws USAGE that points at the part at fault. */
export function parseParams(parameters: Parameters, text: string, where: string): ArrivalParams {
  const keys = Object.keys(parameters);
  if (keys.length === 0) throw new LoopscopeError('USAGE', `${where}: takes no parameters, got "${text}"`);
  const params: Record<string, number | string> = {};
  text.split(',').forEach((part, index) => {
    const equals = part.indexOf('=');
    const name = equals < 0 ? typedName(keys[0]!) : part.slice(0, equals).trim();
    const value = part.slice(equals + 1).trim();
    const key = keys.find((candidate) => typedName(candidate) === name);
    if (key === undefined || (equals < 0 && index > 0))
      throw unknown(parameters, equals < 0 ? part : name, where);
    if (Object.hasOwn(params, key)) throw new LoopscopeError('USAGE', `${where}: ${name} is given twice`);
    params[key] = checked(parameters[key]!, key, readValue(parameters[key]!, name, value, where), where);
  });
  return params;
}

/** As it would be typed, without what is at its default: "cv=3". Empty when all are. */
export function formatParams(parameters: Parameters, params: ArrivalParams): string {
  return Object.entries(parameters)
    .filter(([key, parameter]) => (params[key] ?? parameter.default) !== parameter.default)
    .map(([key, { kind }]) => {
      const value = params[key]!;
      return `${typedName(key)}=${kind === 'duration' ? typedDuration(value as number) : value}`;
    })
    .join(',');
}

function readValue(parameter: Parameter, name: string, text: string, where: string): number | string {
  if (parameter.kind === 'choice') return text;
  if (parameter.kind === 'duration') return parseDurationNs(text, `${where}: ${name}`);
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw new LoopscopeError('USAGE', `${where}: ${name}: "${text}" is not a number`);
  return value;
}

function checked(parameter: Parameter, key: string, value: number | string, where: string): number | string {
  const name = typedName(key);
  if (parameter.kind === 'choice') {
    if (typeof value === 'string' && parameter.choices.includes(value)) return value;
    throw new LoopscopeError(
      'USAGE',
      `${where}: ${name}: "${value}" is none of ${parameter.choices.join(', ')}`,
    );
  }
  const { kind, min, max } = parameter;
  const fits = typeof value === 'number' && value >= min && value <= max;
  if (fits && (kind !== 'count' || Number.isInteger(value))) return value;
  const show = (bound: number) => (kind === 'duration' ? formatNs(bound) : String(bound));
  const got = typeof value === 'number' ? show(value) : `"${value}"`;
  const what = kind === 'count' ? 'a whole number from' : 'from';
  throw new LoopscopeError('USAGE', `${where}: ${name}: ${got} is not ${what} ${show(min)} to ${show(max)}`);
}

function unknown(parameters: Parameters, name: string, where: string): LoopscopeError {
  const names = Object.keys(parameters).map(typedName);
  const near = nearMiss(name, names);
  const all = names.length === 0 ? 'takes none' : `takes ${names.join(', ')}`;
  return new LoopscopeError(
    'USAGE',
    `${where}: no parameter "${name}"; it ${all}`,
    near === null ? '' : `did you mean ${near}?`,
  );
}
