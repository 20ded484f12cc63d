import type { LogFormat } from './log-format.ts';
import { partsFrom } from './template/named-parts.ts';
import { createTemplateParser } from './template/template-parser.ts';

/**
 * Access logs of AWS's application load balancer. The first time is that of the reply; request_creation_time, behind
 * rule priority, is when the request came. The three processing times do not add up to one that can be relied on (−1 for
 * what never happened), so no duration is taken from them.
 */
const LINE = [
  '<skip> <skip> <skip> <clientPort> <skip> <skip> <skip> <skip> <status> <skip> <requestLength> <bodyBytes>',
  '"<request>" "<userAgent>" <skip> <skip> <skip> "<skip>" "<skip>" "<skip>" <skip> <stamp> "<skip>"',
].join(' ');

export const alb = {
  name: 'alb',
  summary: 'access logs of the AWS application load balancer',
  framing: 'lines',
  createParser: () => createTemplateParser({ parts: partsFrom(LINE), stamped: 'start', where: 'alb' }),
} satisfies LogFormat;
