/** How an experiment's result leaves the program: text and a page, or one JSON object. */
import { accessSync, constants, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LoopscopeError } from '../base/errors.ts';
import { COMMON_MODE, writeAll, writeWholeFile } from '../base/write-file.ts';
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
    writeWholeFile(path, COMMON_MODE, (fd) => writeAll(fd, html));
  } catch (error) {
    if (error instanceof LoopscopeError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new LoopscopeError(
      'RUN_FILE_WRITE',
      `the report could not be written: ${why}`,
      'choose another place with --html FILE',
    );
  }
}

/** In the current folder where that can be written, else in a new one among the temporary files. */
export function defaultHtmlPath(name: string): string {
  const file = `loopscope-${name}.html`;
  try {
    accessSync(process.cwd(), constants.W_OK);
    return join(process.cwd(), file);
  } catch {
    return join(mkdtempSync(join(tmpdir(), 'loopscope-')), file);
  }
}
