import type { LogFormat } from './log-format.ts';
import { nginx } from './nginx.ts';

/** NCSA's format of 1993, which every server can write. */
export const common = {
  name: 'common',
  summary: 'the common log format: combined without referrer and user agent',
  framing: 'lines',
  createParser: (options) =>
    nginx.createParser({
      ...options,
      template: '$remote_addr $ident $remote_user [$time_local] "$request" $status $body_bytes_sent',
    }),
} satisfies LogFormat;
