import { apache } from './apache.ts';
import type { LogFormat } from './log-format.ts';

/** What Debian's Apache writes to other_vhosts_access.log: combined behind the name and port of the server. */
export const apacheVhost = {
  name: 'apache-vhost',
  summary: "Apache's vhost_combined: the server's name and port before combined",
  framing: 'lines',
  createParser: (options) =>
    apache.createParser({
      ...options,
      template: '%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"',
    }),
} satisfies LogFormat;
