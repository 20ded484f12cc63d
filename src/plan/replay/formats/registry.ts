import { alb } from './alb.ts';
import { apache } from './apache.ts';
import { apacheVhost } from './apache-vhost.ts';
import { caddy } from './caddy.ts';
import { common } from './common.ts';
import { envoy } from './envoy.ts';
import { gor } from './gor.ts';
import { haproxy } from './haproxy.ts';
import { har } from './har.ts';
import { json } from './json/json.ts';
import type { LogFormat } from './log-format.ts';
import { nginx } from './nginx.ts';
import { nginxTimed } from './nginx-timed.ts';
import { traefik } from './traefik.ts';

/** Every log format, the ones that say most of a line first. */
export const LOG_FORMATS: readonly LogFormat[] = [
  gor,
  har,
  alb,
  haproxy,
  caddy,
  traefik,
  envoy,
  apacheVhost,
  nginxTimed,
  nginx,
  apache,
  common,
  json,
];
