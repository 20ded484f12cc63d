import type { LogFormat } from './log-format.ts';
import { COMBINED, nginx } from './nginx.ts';

/** The same with what most people put behind it to know how long requests took. */
export const nginxTimed = {
  name: 'nginx-timed',
  summary: "nginx's combined with $request_time $msec behind it",
  framing: 'lines',
  createParser: (options) => nginx.createParser({ ...options, template: `${COMBINED} $request_time $msec` }),
} satisfies LogFormat;
