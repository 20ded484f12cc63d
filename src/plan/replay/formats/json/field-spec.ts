/** What --fields says: "time=ts,method=req.method,path=req.url,duration:ms=took". */
import { LoopscopeError } from '../../../../base/errors.ts';
import { nearMiss } from '../../../../base/input/near-miss.ts';
import { printable } from '../../../../base/printable.ts';
import { JSON_FIELDS, type JsonField, type JsonLayout } from './json-parser.ts';

const UNITS_NS: Readonly<Record<string, number>> = { s: 1e9, ms: 1e6, us: 1e3, µs: 1e3, ns: 1 };
const WHERE = '--fields';

/** Throws USAGE, naming what is wrong and what there is. */
export function parseFieldSpec(text: string): JsonLayout {
  const paths: Partial<Record<JsonField, string>> = {};
  let durationUnitNs: number | undefined;
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    const [name = '', unit] = part.slice(0, Math.max(0, equals)).trim().split(':');
    const path = part.slice(equals + 1).trim();
    if (equals < 0 || name === '' || path === '') {
      throw wrong(`"${printable(part, 60)}" is not a field and its key`, 'write time=ts,method=req.method');
    }
    const field = fieldNamed(name);
    if (paths[field] !== undefined) throw wrong(`${field} is in it twice`, 'say which key it has once');
    paths[field] = path;
    if (field === 'duration') durationUnitNs = unitOf(unit, path);
    else if (unit !== undefined)
      throw wrong(
        `${field}:${printable(unit, 20)}: only duration has a unit`,
        `write ${field}=${printable(path, 60)}`,
      );
  }
  if (paths.time !== undefined && (paths.start !== undefined || paths.end !== undefined)) {
    throw wrong(
      'time stands beside start or end',
      'time is when the line was written; say start, end or both instead',
    );
  }
  return { paths, where: WHERE, ...(durationUnitNs === undefined ? {} : { durationUnitNs }) };
}

function fieldNamed(name: string): JsonField {
  const known = JSON_FIELDS.find((field) => field === name);
  if (known !== undefined) return known;
  const near = nearMiss(name, JSON_FIELDS);
  throw wrong(
    `"${printable(name, 60)}" is not a field`,
    `${near === null ? '' : `did you mean ${near}? `}there are ${JSON_FIELDS.join(', ')}`,
  );
}

function unitOf(unit: string | undefined, path: string): number {
  const ns = unit === undefined ? undefined : UNITS_NS[unit];
  if (ns !== undefined && Object.hasOwn(UNITS_NS, unit!)) return ns;
  throw wrong(
    unit === undefined ? 'duration needs its unit' : `"${printable(unit, 20)}" is not a unit of time`,
    `write duration:ms=${printable(path, 60)}; there are s, ms, us and ns`,
  );
}

function wrong(message: string, hint: string): LoopscopeError {
  return new LoopscopeError('USAGE', `${WHERE}: ${message}`, hint);
}
