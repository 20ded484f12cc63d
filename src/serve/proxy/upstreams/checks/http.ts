import type { CheckKind } from './check-kind.ts';

/** HTTP-version SP 3DIGIT SP, RFC 9112 §4. */
const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})[ \r]/;
const STATUS_LINE_BYTES = 13;

/** It answers a request with the expected status. */
export const http = {
  name: 'http',
  summary: 'GET is answered with the expected status',
  request: ({ host, path }) =>
    new TextEncoder().encode(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: loopscope-check\r\nConnection: close\r\n\r\n`,
    ),
  judge(answer, { expectedStatus }) {
    const text = String.fromCharCode(...answer.subarray(0, STATUS_LINE_BYTES));
    if (answer.length < STATUS_LINE_BYTES) return 'HTTP/1.'.startsWith(text.slice(0, 7)) ? 'more' : 'bad';
    return Number(STATUS_LINE.exec(text)?.[1]) === expectedStatus ? 'good' : 'bad';
  },
} satisfies CheckKind;
