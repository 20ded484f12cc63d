import type { JsonValue } from './scenario.ts';

/** Rows of values, read from a file. */
export type Table = {
  /** The file as it is called in errors. */
  where: string;
  columns: string[];
  /** Values by column; undefined where a JSON row does not have it. CSV has text only. */
  rows: (JsonValue | undefined)[][];
  /** Line of each row, from 1; a row written out has its number. */
  lines: number[];
};
