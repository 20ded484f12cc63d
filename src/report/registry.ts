import { csvReporter } from './csv/csv.ts';
import { foldedReporter } from './folded/folded-reporter.ts';
import { hdrLogReporter } from './hdr-log/hdr-log.ts';
import { hgrmReporter } from './hgrm/hgrm.ts';
import { htmlReporter } from './html/html.ts';
import { jsonReporter } from './json/json.ts';
import { junitReporter } from './junit/junit.ts';
import type { Reporter } from './reporter.ts';
import { terminalReporter } from './terminal/terminal.ts';

/** Every output form, in the order that help shows them. */
export const REPORTERS: readonly Reporter[] = [
  terminalReporter,
  jsonReporter,
  htmlReporter,
  hdrLogReporter,
  hgrmReporter,
  csvReporter,
  foldedReporter,
  junitReporter,
];
