/** How an experiment's result leaves the program: text and a page, or one JSON object. */
import { accessSync, constants, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LoopscopeError } from '../base/errors.ts';
import { Paper } from '../report/text/paper.ts';
import type { LabContext } from './experiment.ts';

export type Output = {
  name: string;
  result: object;
  text(paper: Paper): void;
  /** The page's HTML. */
  page(): string;
};

/** With --json the page is written only where --html says. */
export function deliver(context: LabContext, output: Output): void {
  context.endProgress();
  const path = context.htmlPath ?? (context.json ? null : defaultHtmlPath(output.name));
  if (path !== null) writeReport(path, output.page());
  if (context.json) {
    context.print(JSON.stringify(output.result));
    return;
  }
  const paper = new Paper({ colour: context.colour, columns: context.columns });
  output.text(paper);
  context.print(paper.toString().trimEnd());
  context.print('');
  context.print(`HTML report: ${path}`);
}

export function writeReport(path: string, html: string): void {
  try {
    writeFileSync(path, html);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LoopscopeError(
      'RUN_FILE_WRITE',
      `the report could not be written: ${why}`,
      'choose another place with --html FILE',
    );
  }
}

/** In the current folder where that can be written, else among the temporary files. */
export function defaultHtmlPath(name: string): string {
  const file = `loopscope-${name}.html`;
  try {
    accessSync(process.cwd(), constants.W_OK);
    return join(process.cwd(), file);
  } catch {
    return join(tmpdir(), file);
  }
}
