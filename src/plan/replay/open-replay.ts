/** The face of this room: logs in, requests out. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { http1 } from '../../wire/http1/http1.ts';
import { nginx } from './formats/nginx.ts';
import { fieldText } from './lines/field-text.ts';
import { createLogEntry, FIELD } from './lines/log-entry.ts';
import { REFUSAL } from './lines/refusal.ts';
import type { ReplayOptions } from './replay-options.ts';
import type { ReplayReader } from './replay-reader.ts';
import { createReplayRequest } from './replay-request.ts';
import type { ReplaySummary } from './replay-summary.ts';

/**
 * Opens logs and finds out what they are; nothing is handed on before pump(). Throws USAGE and FILE_UNREADABLE, naming
 * the option or the file.
 */
export async function openReplay(options: ReplayOptions): Promise<ReplayReader> {
  const [path = '-'] = options.files;
  let lineCount = 0;
  let requestCount = 0;
  return {
    async pump(sink, signal) {
      const parser = nginx.createParser({});
      const entry = createLogEntry(parser.escapes);
      const request = createReplayRequest();
      let firstSec = 0;
      for await (const line of createInterface({ input: createReadStream(path) })) {
        if (signal.aborted) break;
        lineCount++;
        const bytes = Buffer.from(line);
        if (parser.parse(bytes, 0, bytes.length, entry) !== REFUSAL.none) continue;
        if (fieldText(entry, FIELD.method) !== 'GET') continue;
        if (requestCount === 0) firstSec = entry.stampSec;
        request.plannedNs = (entry.stampSec - firstSec) * 1e9;
        request.bytes = http1.encodeRequest({
          path: fieldText(entry, FIELD.path) ?? '/',
          host: options.host,
        });
        request.end = request.bytes.length;
        request.loggedStatus = entry.status;
        request.loggedBytes = entry.bodyBytes;
        requestCount++;
        while (!sink.push(request)) await sink.room();
      }
      return { ...EMPTY, sources: [], lineCount, requestCount };
    },
    progress: () => ({
      lineCount,
      requestCount,
      readBytes: 0,
      totalBytes: 0,
      newestSec: 0,
      behindBytes: 0,
    }),
    routeNames: () => ['GET *'],
    close: async () => {},
  };
}

const EMPTY: ReplaySummary = {
  sources: [],
  format: { name: 'nginx', why: 'named' },
  session: { kind: 'none', why: 'not yet told apart', clientCount: 0, clientLimit: 0, unknownCount: 0 },
  lineCount: 0,
  requestCount: 0,
  refused: [],
  leftOut: [],
  unsafeMethods: [],
  methods: [],
  statuses: [],
  routes: [{ name: 'GET *', count: 0 }],
  time: null,
  roundCount: 1,
  spreadCount: 0,
  follow: null,
  windowOverflowCount: 0,
  remarks: [],
};
