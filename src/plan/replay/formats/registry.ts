import { alb } from './alb.ts';
import { apache } from './apache.ts';
import { common } from './common.ts';
import { haproxy } from './haproxy.ts';
import type { LogFormat } from './log-format.ts';
import { nginx } from './nginx.ts';
import { nginxTimed } from './nginx-timed.ts';

/** Every log format, the ones that say most of a line first. */
export const LOG_FORMATS: readonly LogFormat[] = [alb, haproxy, nginxTimed, nginx, apache, common];
