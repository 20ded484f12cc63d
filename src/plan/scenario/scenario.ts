/** A scenario: which requests make up the load, in what proportion, and what their replies must be. */

export type Scenario = {
  /** For readers; nothing is made of it. */
  description?: string;
  /** Sent with every kind of request; a kind's own header of the same name takes its place. */
  headers?: ScenarioHeaders;
  /** How much of a reply's body `contains`, `json` and `has` look at, in bytes. Default 65536. */
  captureBytes?: number;
  /** What must not be, as after --fail-if: 'p99>20ms', 'checkout.errors>1%'. The caller judges the run by them. */
  failIf?: string | string[];
  kinds: ScenarioKind[];
};

/** One kind of request. Texts may hold variables, `{{name}}`, filled from the kind's data. */
export type ScenarioKind = {
  /** In reports and errors. Default: method and path. */
  name?: string;
  /** Its share of the mix, against the other kinds'. Default 1. */
  weight?: number;
  /** Default GET, or POST with a body. */
  method?: string;
  /** Path and query. Default: the target's. */
  path?: string;
  headers?: ScenarioHeaders;
  /** Text, or a JSON value that is sent as JSON. */
  body?: string | JsonObject | JsonValue[];
  /** A file sent as it is, without variables. Relative to the scenario file. */
  bodyFile?: string;
  /** A CSV or JSONL file, or rows written out. */
  data?: string | ScenarioData | JsonObject[];
  /** Without a status here, any below 400 is good. */
  checks?: ScenarioChecks;
};

/** A list sends the header several times. */
export type ScenarioHeaders = Record<string, string | string[]>;

export type ScenarioData = {
  /** Relative to the scenario file. */
  file: string;
  /** Default: by the file's ending. */
  format?: 'csv' | 'jsonl';
  /** Rows in their order, again from the top after the last; or any row at any time. Default sequential. */
  pick?: 'sequential' | 'random';
};

export type ScenarioChecks = {
  /** 200, "2xx", "200-204", or a list of those. */
  status?: number | string | (number | string)[];
  /** true: present; false: absent; text: equal to it; { matches }: a regular expression. */
  headers?: Record<string, boolean | string | { matches: string }>;
  body?: {
    contains?: string | string[];
    equals?: string;
    /** Paths ($.a.b[0]) and the values that must be there. */
    json?: Record<string, JsonValue>;
    /** Paths that must lead somewhere. */
    has?: string | string[];
    /** Length in bytes: exactly, or within bounds. */
    bytes?: number | { min?: number; max?: number };
  };
};

export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
export type JsonObject = { [name: string]: JsonValue };

/** Gives a scenario its type in a TypeScript file: `export const scenario = defineScenario({ … })`. */
export function defineScenario(scenario: Scenario): Scenario {
  return scenario;
}
