/** A resolver with answers of the test's own, which may change from one look-up to the next. */
import { Resolver, type ResolverOptions } from '../resolver.ts';

/** Each name's answers in turn; the last one stays. An empty one: no such host. */
export type FakeZone = Record<string, readonly (readonly string[])[]>;

export type FakeDns = { resolver: Resolver; asked: string[] };

/** Keeps no answer, unless told to, so that each look-up sees the next one. */
export function fakeDns(zone: FakeZone, options: Partial<ResolverOptions> = {}): FakeDns {
  const asked: string[] = [];
  const counts = new Map<string, number>();
  const lookup = async (name: string) => {
    asked.push(name);
    const answers = zone[name] ?? [[]];
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    const answer = answers[Math.min(count, answers.length - 1)]!;
    if (answer.length === 0) throw new Error(`no such host: ${name}`);
    return [...answer];
  };
  const setTimer = () => ({ clear() {} });
  const resolver = new Resolver({
    lookup,
    nowNs: () => 0,
    limit: 8,
    timeoutNs: 5e9,
    keepNs: 0,
    setTimer,
    ...options,
  });
  return { resolver, asked };
}
