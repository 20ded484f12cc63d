/** A scenario → kinds of requests that encodeRequests() takes: files read, templates made, checks compiled. */
import { LoopscopeError } from '../../base/errors.ts';
import type { Codec, RequestOptions } from '../../wire/codec.ts';
import {
  type EncodedRequests,
  type EncodeOptions,
  encodeRequests,
  type RequestKind,
} from '../requests/requests.ts';
import { compileCheck } from './compile-check.ts';
import type { Scenario, ScenarioData, ScenarioHeaders, ScenarioKind } from './scenario.ts';
import { formatOf, parseTable, tableOf } from './table.ts';
import type { Table } from './table-rows.ts';
import { type Filler, parseJsonTemplate, parseTemplate } from './template.ts';

/** Reads a file named in a scenario, relative to it. */
export type ReadFile = (file: string, where: string) => Uint8Array;

export type CompileOptions = {
  codec: Codec;
  /** What a kind leaves out: path, host and frame format, as of the target. */
  base: RequestOptions;
  /** How the scenario is called in errors. */
  where: string;
  readFile: ReadFile;
};

/** Protocols of ours that have nothing but a payload. */
const PAYLOAD_ONLY = ['frame', 'line', 'resp', 'echo'];

/** Encodes all of a scenario's requests. Throws USAGE naming the field, or the row, at fault. */
export function encodeScenario(scenario: Scenario, options: CompileOptions & EncodeOptions): EncodedRequests {
  return encodeRequests(options.codec, compileScenario(scenario, options), options);
}

/** The kinds of a scenario. Throws USAGE naming the field at fault. */
function compileScenario(scenario: Scenario, options: CompileOptions): RequestKind[] {
  const names = new Set<string>();
  const tables = new Map<string, Table>();
  return scenario.kinds.map((kind, index) => {
    const compiled = new KindCompiler(scenario, index, options, tables).compile();
    if (names.has(compiled.name)) {
      throw new LoopscopeError(
        'USAGE',
        `${options.where}: kinds[${index}].name: two kinds are called "${compiled.name}"`,
        kind.name === undefined ? 'give each a name' : '',
      );
    }
    names.add(compiled.name);
    return compiled;
  });
}

class KindCompiler {
  readonly #scenario: Scenario;
  readonly #kind: ScenarioKind;
  readonly #where: string;
  readonly #options: CompileOptions;
  readonly #tables: Map<string, Table>;

  constructor(scenario: Scenario, index: number, options: CompileOptions, tables: Map<string, Table>) {
    this.#scenario = scenario;
    this.#kind = scenario.kinds[index]!;
    this.#where = `${options.where}: kinds[${index}]`;
    this.#options = options;
    this.#tables = tables;
  }

  compile(): RequestKind {
    const kind = this.#kind;
    this.#checkProtocol();
    const table = this.#table();
    const hasBody = kind.body !== undefined || kind.bodyFile !== undefined;
    const { base, codec } = this.#options;
    const method = kind.method ?? base.method ?? (hasBody && codec.name === 'http1' ? 'POST' : undefined);
    const fillers: Filler[] = [];
    const field = (text: string, name: string): Filler => {
      const made = parseTemplate(text, table, `${this.#where}.${name}`);
      fillers.push(made);
      return made;
    };
    const path = kind.path === undefined ? null : field(kind.path, 'path');
    const headers = this.#headers().map(([name, value, where]) => ({
      name,
      value: field(value, where),
    }));
    const bodyOf = this.#body(table, fillers);
    const name = kind.name ?? `${method ?? 'GET'} ${kind.path ?? base.path ?? ''}`.trim();
    const varies = table !== null && fillers.some(({ isConstant }) => !isConstant);
    if (table !== null && !varies) {
      throw new LoopscopeError(
        'USAGE',
        `${this.#where}.data: no variable of the request uses it`,
        `write for instance {{${table.columns[0]}}} in the path`,
      );
    }
    const requestOf = (row: number): RequestOptions => ({
      ...base,
      ...(method !== undefined && { method }),
      ...(path !== null && { path: path.fill(row) }),
      headers: [
        ...(base.headers ?? []),
        ...headers.map(({ name: header, value }) => [header, value.fill(row)] as const),
      ],
      ...(bodyOf !== null && { body: bodyOf(row) }),
    });
    const { captureBytes } = this.#scenario;
    const checks = kind.checks
      ? compileCheck(kind.checks, `${this.#where}.checks`, { captureBytes, table })
      : null;
    return {
      name,
      weight: kind.weight ?? 1,
      check: checks?.check ?? null,
      ...(checks?.ownOf && { ownOf: checks.ownOf }),
      rowCount: varies ? table.rows.length : 1,
      pick:
        typeof kind.data === 'object' && !Array.isArray(kind.data)
          ? (kind.data.pick ?? 'sequential')
          : 'sequential',
      requestOf,
      describeRow: (row) =>
        varies ? `${this.#where} "${name}", ${table.where}:${table.lines[row]}` : `${this.#where} "${name}"`,
    };
  }

  /** A field that the protocol cannot carry is an error, not a silence. */
  #checkProtocol(): void {
    const { codec } = this.#options;
    if (this.#kind.body !== undefined && this.#kind.bodyFile !== undefined) {
      throw new LoopscopeError('USAGE', `${this.#where}: has both body and bodyFile`, 'leave one out');
    }
    if (!PAYLOAD_ONLY.includes(codec.name)) return;
    for (const field of ['method', 'path', 'headers'] as const) {
      if (this.#kind[field] !== undefined) {
        throw new LoopscopeError('USAGE', `${this.#where}.${field}: the ${codec.name} protocol has none`);
      }
    }
    const { status, headers } = this.#kind.checks ?? {};
    const check = status !== undefined ? 'status' : headers !== undefined ? 'headers' : null;
    if (check === null || codec.name === 'resp') return;
    throw new LoopscopeError(
      'USAGE',
      `${this.#where}.checks.${check}: replies of the ${codec.name} protocol have none`,
    );
  }

  #table(): Table | null {
    const { data } = this.#kind;
    const where = `${this.#where}.data`;
    if (data === undefined) return null;
    if (Array.isArray(data)) return tableOf(data, where);
    const given: ScenarioData = typeof data === 'string' ? { file: data } : data;
    const { file } = given;
    const format = given.format ?? formatOf(file);
    if (format === null) {
      throw new LoopscopeError(
        'USAGE',
        `${where}: "${file}" ends in neither .csv nor .jsonl`,
        `write { "file": "${file}", "format": "csv" }`,
      );
    }
    const key = `${format} ${file}`;
    const known = this.#tables.get(key);
    if (known) return known;
    const table = parseTable(this.#text(file, where), format, file);
    this.#tables.set(key, table);
    return table;
  }

  #text(file: string, where: string): string {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.#options.readFile(file, where));
    } catch (error) {
      if (error instanceof LoopscopeError) throw error;
      throw new LoopscopeError(
        'USAGE',
        `${where}: "${file}" is not UTF-8 text`,
        'convert it, for instance with iconv',
      );
    }
  }

  /** The scenario's, without those that the kind sets itself, and the kind's; each with its place. */
  #headers(): [name: string, value: string, where: string][] {
    const own = flat(this.#kind.headers ?? {}, 'headers');
    const ownNames = new Set(own.map(([name]) => name.toLowerCase()));
    const common = flat(this.#scenario.headers ?? {}, 'headers').filter(
      ([name]) => !ownNames.has(name.toLowerCase()),
    );
    const json = typeof this.#kind.body === 'object';
    const all = [...common, ...own];
    if (
      json &&
      !all.some(([name]) => name.toLowerCase() === 'content-type') &&
      !PAYLOAD_ONLY.includes(this.#options.codec.name)
    ) {
      all.push(['Content-Type', 'application/json', 'headers']);
    }
    return all;
  }

  /** What makes the body of a row; null without one. */
  #body(table: Table | null, fillers: Filler[]): ((row: number) => Uint8Array) | null {
    const { body, bodyFile } = this.#kind;
    if (bodyFile !== undefined) {
      const bytes = this.#options.readFile(bodyFile, `${this.#where}.bodyFile`);
      return () => bytes;
    }
    if (body === undefined) return null;
    const where = `${this.#where}.body`;
    const template =
      typeof body === 'string' ? parseTemplate(body, table, where) : parseJsonTemplate(body, table, where);
    fillers.push(template);
    return (row) => Buffer.from(template.fill(row));
  }
}

function flat(headers: ScenarioHeaders, where: string): [string, string, string][] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string, string] => [name, value, `${where}.${name}`]),
  );
}
