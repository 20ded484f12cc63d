/** What is wrong between fields that are right each by itself. */
import { formatPath, shown } from '../../../base/input/field-problem.ts';
import { nearMiss } from '../../../base/input/near-miss.ts';
import { UPSTREAMS } from '../rules/access.ts';
import { parseCidr } from '../rules/hosts/cidr.ts';
import { BUILT_IN } from '../rules/rule-counter.ts';
import { UNIX } from '../rules/who/users.ts';
import { addressKey } from './field-forms.ts';
import type { ProxyConfig, ProxyConfigRule } from './proxy-config.ts';

export type MeaningProblem = { message: string; hint: string };

/** The first of them; null when there is none. */
export function meaningProblem(config: ProxyConfig): MeaningProblem | null {
  return listenProblem(config) ?? usersProblem(config) ?? rulesProblem(config);
}

export function listOf<T>(value: T | T[] | undefined): T[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

export function ruleName(rule: ProxyConfigRule, index: number): string {
  return rule.name ?? `rule ${index + 1}`;
}

function listenProblem({ listen = [] }: ProxyConfig): MeaningProblem | null {
  const seen = new Map<string, number>();
  for (const [i, entry] of listen.entries()) {
    const key = addressKey(typeof entry === 'string' ? entry : entry.at);
    const before = seen.get(key);
    if (before !== undefined && !key.endsWith(':0'))
      return { message: `listen[${i}]: listens at ${key}, as listen[${before}] does`, hint: 'leave one out' };
    seen.set(key, i);
  }
  return null;
}

function usersProblem({ users = {} }: ProxyConfig): MeaningProblem | null {
  const owners = new Map<string, string>();
  for (const [name, { password, from }] of Object.entries(users)) {
    const path = formatPath(['users', name]);
    if (password !== undefined) continue;
    if (listOf(from).length === 0)
      return {
        message: `${path}: has neither from nor password, so nobody could be this user`,
        hint: 'give one',
      };
    for (const text of listOf(from)) {
      const range = text === UNIX ? null : parseCidr(text);
      const key = range === null || typeof range === 'string' ? text : `${range.first}-${range.last}`;
      const owner = owners.get(key);
      if (owner !== undefined && owner !== name)
        return {
          message: `${path}.from: ${text} is where ${shown(owner)} comes from too`,
          hint: 'a client without a password is told by its address alone: give each address to one user',
        };
      owners.set(key, name);
    }
  }
  return null;
}

function rulesProblem({ rules = [], users = {} }: ProxyConfig): MeaningProblem | null {
  const known = Object.keys(users);
  const names = new Map<string, number>();
  for (const [i, rule] of rules.entries()) {
    const problem = ruleProblem(rule, `rules[${i}]`, known);
    if (problem !== null) return problem;
    const name = ruleName(rule, i);
    const before = names.get(name);
    if (before !== undefined)
      return {
        message: `rules[${i}].name: ${shown(name)} is the name of rules[${before}] too`,
        hint: 'rules are counted by name: give each its own',
      };
    if ((BUILT_IN as readonly string[]).includes(name))
      return {
        message: `rules[${i}].name: ${shown(name)} is counted already, for what no rule decides`,
        hint: 'choose another name',
      };
    names.set(name, i);
  }
  return null;
}

function ruleProblem(rule: ProxyConfigRule, path: string, known: readonly string[]): MeaningProblem | null {
  for (const name of listOf(rule.users)) {
    if (known.includes(name)) continue;
    const near = nearMiss(name, known);
    const hint = near !== null ? `did you mean ${near}?` : `known here: ${known.join(', ') || 'nobody'}`;
    return { message: `${path}.users: there is no user ${shown(name)}`, hint };
  }
  if (rule.users !== undefined && listOf(rule.users).length === 0)
    return {
      message: `${path}.users: is empty, so the rule would hold for nobody`,
      hint: 'leave it out for everybody',
    };
  const to = listOf(rule.to);
  if (to.length === 0)
    return { message: `${path}.to: is empty, so the rule would hold for nothing`, hint: '' };
  if (listOf(rule.ports).length === 0 && to.some((each) => each !== UPSTREAMS))
    return {
      message: `${path}.ports: is missing`,
      hint: 'for instance 443, [80, 443], "8000-8100" or "any"',
    };
  if (rule.dryRun === true && rule.action !== 'refuse')
    return {
      message: `${path}.dryRun: is for rules that refuse, and this one allows`,
      hint: 'dryRun beside rules lets everything through, and counts what they would refuse',
    };
  if (
    listOf(rule.resolvesTo).length > 0 &&
    !to.some((each) => typeof parseCidr(each) === 'string' && each !== UPSTREAMS)
  )
    return {
      message: `${path}.resolvesTo: is for rules with a name in "to"`,
      hint: 'put the range into "to"',
    };
  return null;
}
