import { createJsonParser } from './json/json-parser.ts';
import type { LogFormat } from './log-format.ts';

/**
 * Envoy has no keys of its own; these are what Istio and Envoy Gateway give it. %START_TIME% is the start, and %DURATION%
 * in milliseconds. Behind another proxy the first address is of who asked it.
 */
export const envoy = {
  name: 'envoy',
  summary: "Envoy's access log as JSON, by the keys of Istio and Envoy Gateway",
  framing: 'lines',
  createParser: ({ sessionHeader }) =>
    createJsonParser({
      paths: {
        start: 'start_time',
        duration: 'duration',
        method: 'method',
        path: ['path', 'x-envoy-origin-path'],
        host: ['authority', ':authority'],
        status: 'response_code',
        bytes: 'bytes_sent',
        sent: 'bytes_received',
        client: 'downstream_remote_address',
        port: 'downstream_remote_address',
        ua: ['user_agent', 'user-agent'],
        referer: 'referer',
        ...(sessionHeader === undefined
          ? {}
          : { session: [sessionHeader.toLowerCase(), sessionHeader.toLowerCase().replaceAll('-', '_')] }),
      },
      durationUnitNs: 1e6,
      grainNs: 1e6,
      where: 'envoy',
    }),
} satisfies LogFormat;
