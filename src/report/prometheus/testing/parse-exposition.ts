/** A strict reader of Prometheus' text format 0.0.4, for tests: what promtool check metrics refuses, it refuses. */
export type Sample = { name: string; labels: Record<string, string>; value: number };
export type Family = { type: string; help: string; samples: Sample[] };

const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** Families by name. Throws naming the line that is wrong. */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment) {
      const [, what, name, rest] = comment as unknown as [string, string, string, string];
      if (!NAME.test(name)) throw new Error(`bad name: ${line}`);
      if (what === 'HELP') {
        if (families.has(name) || rest === '') throw new Error(`HELP twice, or empty: ${line}`);
        families.set(name, { type: '', help: rest, samples: [] });
        continue;
      }
      const family = families.get(name);
      if (family?.type !== '' || !TYPES.includes(rest)) throw new Error(`bad TYPE: ${line}`);
      family.type = rest;
      continue;
    }
    const sample = parseSample(line);
    const family = families.get(sample.name) ?? families.get(sample.name.replace(/_(bucket|sum|count)$/, ''));
    if (!family || family.type === '') throw new Error(`no family: ${line}`);
    const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(key)) throw new Error(`the same series twice: ${line}`);
    seen.add(key);
    if (family.type === 'counter' && !(sample.value >= 0)) throw new Error(`a counter below zero: ${line}`);
    family.samples.push(sample);
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family);
  return families;
}

function parseSample(line: string): Sample {
  const head = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{)?/.exec(line);
  if (!head) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  let rest = line.slice(head[0].length);
  if (head[2]) {
    for (;;) {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|\})/.exec(rest);
      if (!label) throw new Error(`bad labels: ${line}`);
      if (label[1]! in labels) throw new Error(`a label twice: ${line}`);
      labels[label[1]!] = label[2]!.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
      rest = rest.slice(label[0].length);
      if (label[3] === '}') break;
    }
  }
  const value = /^ (-?(?:\d[\d.]*(?:e[+-]?\d+)?)|[+-]Inf|NaN)$/.exec(rest)?.[1];
  if (value === undefined) throw new Error(`bad value: ${line}`);
  return { name: head[1]!, labels, value: Number(value.replace('Inf', 'Infinity')) };
}

/** Buckets grow with their bounds, the last is +Inf and equals _count. */
function checkHistogram(name: string, { samples }: Family): void {
  const series = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _le, ...own } = sample.labels;
    const key = JSON.stringify(Object.entries(own).sort());
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const [key, own] of series) {
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    let before = { bound: Number.NEGATIVE_INFINITY, value: 0 };
    for (const { labels, value } of buckets) {
      const bound = Number(labels.le!.replace('Inf', 'Infinity'));
      if (!(bound > before.bound && value >= before.value))
        throw new Error(`${name} ${key}: bucket ${labels.le}`);
      before = { bound, value };
    }
    const count = own.find((sample) => sample.name === `${name}_count`)?.value;
    if (before.bound !== Number.POSITIVE_INFINITY || before.value !== count)
      throw new Error(`${name} ${key}: no +Inf`);
    if (!own.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name} ${key}: no _sum`);
  }
}
