/** The simple way to write a codec: how a request is written, and how long a reply is. */

import { LoopscopeError } from '../../base/errors.ts';
import type { Codec } from '../codec.ts';
import type { CodecDefinition } from './codec-definition.ts';
import { DefinedParser } from './defined-parser.ts';

const MAX_HEADER_BYTES = 4096;
const MAX_REPLY_BYTES = 2 ** 30;

/** A whole codec from its two functions; reassembly, pipelining and limits are its own. Throws USAGE. */
export function defineCodec(definition: CodecDefinition): Codec {
  const problem = definitionProblem(definition);
  if (problem !== null) throw new LoopscopeError('USAGE', `codec: ${problem.what}`, problem.hint);
  return {
    name: definition.name,
    summary: definition.summary ?? definition.name,
    pipelines: definition.pipelines ?? true,
    encodeRequest: (request) => definition.encodeRequest(request),
    createReplyParser: (options) => new DefinedParser(definition, options),
  };
}

export type DefinitionProblem = { what: string; hint: string };

const MEMBERS: readonly [name: string, type: string, required: boolean, hint: string][] = [
  ['name', 'string', true, "write name: 'my-protocol'"],
  ['encodeRequest', 'function', true, 'write encodeRequest(request) { return /* a Uint8Array */; }'],
  ['replyLength', 'function', true, 'write replyLength(bytes, start, end) { return /* bytes, 0 or -1 */; }'],
  ['summary', 'string', false, 'write one line of text, or leave it out'],
  ['pipelines', 'boolean', false, 'write true or false, or leave it out'],
  ['check', 'function', false, 'write check(bytes, start, end) { return null; }, or leave it out'],
  ['headerBytes', 'number', false, 'write how many bytes replyLength needs, or leave it out'],
  ['maxReplyBytes', 'number', false, 'write a number of bytes, or leave it out'],
];

/** What keeps a value from being a CodecDefinition, naming the member; null when nothing does. */
export function definitionProblem(value: unknown): DefinitionProblem | null {
  if (typeof value !== 'object' || value === null) {
    return {
      what: `it is ${kindOf(value)}, not an object`,
      hint: 'write export const codec = { name: ... }',
    };
  }
  const members = value as Record<string, unknown>;
  for (const [name, type, required, hint] of MEMBERS) {
    const member = members[name];
    if (member === undefined && !required) continue;
    if (typeof member !== type) return { what: `${name} is ${kindOf(member)}, not a ${type}`, hint };
  }
  if (members.name === '') return { what: 'name is empty', hint: MEMBERS[0]![3] };
  return (
    limitProblem(members, 'headerBytes', MAX_HEADER_BYTES) ??
    limitProblem(members, 'maxReplyBytes', MAX_REPLY_BYTES)
  );
}

function limitProblem(members: Record<string, unknown>, name: string, max: number): DefinitionProblem | null {
  const value = members[name];
  if (
    value === undefined ||
    (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max)
  ) {
    return null;
  }
  return { what: `${name} is ${value}`, hint: `write a whole number from 1 to ${max}, or leave it out` };
}

/** "missing", "a string", "an object" …: for messages. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  const type = typeof value;
  return type === 'object' ? 'an object' : `a ${type}`;
}
