import { LoopscopeError } from '../../../../base/errors.ts';
import type { LogFormat } from '../log-format.ts';
import { parseFieldSpec } from './field-spec.ts';
import { createJsonParser } from './json-parser.ts';

/** One JSON object a line, with keys of any name. */
export const json = {
  name: 'json',
  summary: 'any JSON lines, whose keys --fields names',
  framing: 'lines',
  needs: 'fields',
  createParser({ fields }) {
    if (fields !== undefined) return createJsonParser(parseFieldSpec(fields));
    throw new LoopscopeError(
      'USAGE',
      '--format json: which key holds what is not said',
      'write --fields time=ts,method=req.method,path=req.url',
    );
  },
} satisfies LogFormat;
