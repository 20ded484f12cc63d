/** Is this value a configuration of a proxy? Every refusal names the field: `rules[2].to[0]: has an empty label, got "a..b"`. */
import * as v from 'valibot';
import { LoopscopeError } from '../../../base/errors.ts';
import { fieldProblem, type KnownFields, shown } from '../../../base/input/field-problem.ts';
import * as form from './field-forms.ts';
import { meaningProblem } from './meaning.ts';
import type { ProxyConfig } from './proxy-config.ts';

const MOST_LISTENERS = 64;
const MOST_UPSTREAMS = 100_000;
const MOST_RULES = 100_000;

const listener = v.strictObject({
  at: form.address,
  in: v.optional(
    v.picklist(['tcp', 'connect', 'socks5', 'sni'], 'must be "tcp", "connect", "socks5" or "sni"'),
  ),
  proxyFrom: v.optional(v.array(form.source, 'must be a list of ranges')),
  serverName: v.optional(v.picklist(['any', 'same'], 'must be "any" or "same"')),
});

const upstream = v.strictObject({ at: form.address, weight: v.optional(form.count(256)) });

const quota = v.strictObject({
  day: v.optional(form.anySize),
  month: v.optional(form.anySize),
  total: v.optional(form.anySize),
});

const user = v.strictObject({
  password: v.optional(form.passwordHash),
  from: v.optional(form.oneOrMore(form.source)),
  connections: v.optional(form.count(1_000_000)),
  quota: v.optional(quota),
});

const rule = v.strictObject({
  name: v.optional(
    v.pipe(form.text, v.regex(/^[!-~](?:[ -~]{0,62}[!-~])?$/, 'must be 1 to 64 plain characters')),
  ),
  action: v.optional(v.picklist(['allow', 'refuse'], 'must be "allow" or "refuse"')),
  dryRun: v.optional(form.flag),
  users: v.optional(form.oneOrMore(form.text)),
  to: form.oneOrMore(form.target),
  ports: v.optional(form.oneOrMore(form.port)),
  resolvesTo: v.optional(form.oneOrMore(form.cidr)),
});

const limits = v.strictObject({
  clients: v.optional(form.count(100_000)),
  head: v.optional(form.size(1024, 65_536)),
  lookups: v.optional(form.count(1000)),
});

const timeouts = v.strictObject({
  head: v.optional(form.duration),
  connect: v.optional(form.duration),
  idle: v.optional(form.duration),
  lookup: v.optional(form.duration),
  stop: v.optional(form.duration),
  leave: v.optional(form.duration),
});

/** Text, or an object: an object is told by its own fields, anything else by what text must be. */
function textOr<T extends v.GenericSchema>(item: v.GenericSchema<string>, object: T) {
  return v.lazy((input): v.GenericSchema => (typeof input === 'object' && input !== null ? object : item));
}

function listOf(item: v.GenericSchema, what: string, most: number) {
  return v.pipe(
    v.array(item, `must be a list of ${what}`),
    v.maxLength(most, `must have at most ${most} ${what}`),
  );
}

/** Names become keys of plain objects only, so that none can reach a prototype. */
const users = v.pipe(
  v.custom<object>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      !Object.hasOwn(value, '__proto__'),
    'must be an object of names and users',
  ),
  v.record(
    v.pipe(
      form.text,
      v.check(form.isUserName, 'must be a name of 1 to 64 characters without blanks, colons or quotes'),
    ),
    user,
  ),
);

const config = v.strictObject({
  description: v.optional(form.text),
  listen: v.optional(listOf(textOr(form.address, listener), 'listeners', MOST_LISTENERS)),
  upstreams: v.optional(listOf(textOr(form.address, upstream), 'upstreams', MOST_UPSTREAMS)),
  balance: v.optional(
    v.picklist(
      ['round-robin', 'least-connections', 'weighted', 'hash'],
      'must be "round-robin", "least-connections", "weighted" or "hash"',
    ),
  ),
  proxyOut: v.optional(v.picklist(['none', 'v1', 'v2'], 'must be "none", "v1" or "v2"')),
  users: v.optional(users as v.GenericSchema),
  rules: v.optional(listOf(rule, 'rules', MOST_RULES)),
  dryRun: v.optional(form.flag),
  limits: v.optional(limits),
  timeouts: v.optional(timeouts),
  keepLookups: v.optional(form.duration),
});

/** The fields that are known where a path leads, for suggestions; the documentation has the same. */
export const CONFIG_FIELDS: KnownFields = [
  [/^$/, config],
  [/^listen\[\d+\]$/, listener],
  [/^upstreams\[\d+\]$/, upstream],
  [/^users[.[][^.]*$/, user],
  [/^rules\[\d+\]$/, rule],
  [/^limits$/, limits],
  [/^timeouts$/, timeouts],
];

/** Checks a value from a file. Throws USAGE naming the first field at fault. */
export function validateConfig(value: unknown, where: string): ProxyConfig {
  // A list would pass for an object whose fields are 0, 1, 2…
  if (Array.isArray(value) || typeof value !== 'object' || value === null) {
    throw new LoopscopeError(
      'USAGE',
      `${where}: must be an object, got ${shown(value)}`,
      'write { "listen": […] }',
    );
  }
  const result = v.safeParse(config as v.GenericSchema<unknown, ProxyConfig>, value);
  if (!result.success) throw fieldProblem(where, result.issues, CONFIG_FIELDS);
  const problem = meaningProblem(result.output);
  if (problem !== null) throw new LoopscopeError('USAGE', `${where}: ${problem.message}`, problem.hint);
  return result.output;
}
