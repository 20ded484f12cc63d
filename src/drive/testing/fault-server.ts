/**
 * A server with bad manners, for tests: a process of its own, so that it shares no event loop with what it tests.
 * argv: protocol (http or frame), fault, every n-th request has it, socket path or "". It sends { address } when it
 * listens, and answers any message with { requestCount, connectionCount }.
 */
import { createServer, type Socket } from 'node:net';
import { RequestReader } from '../../../test/faults/request-reader.ts';
import { DEFAULT_FRAME_FORMAT } from '../../wire/codec.ts';
import { writeFrameHeader } from '../../wire/frame/frame-parser.ts';

const [protocol, fault, everyText, socketPath] = process.argv.slice(2);
const every = Number(everyText);
const isHttp = protocol === 'http';
const SLOW_START_MS = 400;
const LATE_MS = 300;

let requestCount = 0;
let connectionCount = 0;
let startedAtMs = 0;

function reply(status = 200): Buffer {
  if (isHttp) {
    return Buffer.from(
      `HTTP/1.1 ${status} X\r\nContent-Length: 5\r\nDate: ${new Date().toUTCString()}\r\n\r\nhello`,
    );
  }
  const bytes = Buffer.alloc(DEFAULT_FRAME_FORMAT.lengthBytes + 5, 'x');
  writeFrameHeader(bytes, 0, 5);
  return bytes;
}

const closeReply = () => Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx');
const untilClose = () => Buffer.from('HTTP/1.1 200 OK\r\n\r\nall there is');
const chunked = () =>
  Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n');

const FAULTS: Record<string, (socket: Socket) => void> = {
  none: (socket) => socket.write(reply()),
  wrong: (socket) => socket.write(reply(500)),
  reset: (socket) => socket.resetAndDestroy(),
  garbage: (socket) => socket.write(Buffer.from('\xff\xff\xff\xffSSH-2.0-nonsense\r\n', 'latin1')),
  half: (socket) => socket.end(reply().subarray(0, 3)),
  silence: () => {},
  late: (socket) => setTimeout(() => socket.destroyed || socket.write(reply()), LATE_MS),
  twice: (socket) => socket.write(Buffer.concat([reply(), reply()])),
  hangup: (socket) => socket.end(),
  close: (socket) => socket.end(closeReply()),
  'until-close': (socket) => socket.end(untilClose()),
  chunked: (socket) => socket.write(chunked()),
  pieces: (socket) => {
    const bytes = reply();
    socket.write(bytes.subarray(0, 7));
    setTimeout(() => socket.destroyed || socket.write(bytes.subarray(7)), 2);
  },
  'slow-start': (socket) => {
    // The whole process is busy at first, as one that loads its data is.
    while (performance.now() - startedAtMs < SLOW_START_MS);
    socket.write(reply());
  },
};

const server = createServer({ noDelay: true }, (socket) => {
  connectionCount++;
  startedAtMs ||= performance.now();
  const reader = new RequestReader(isHttp ? 'http' : 'frame', () => {
    if (socket.destroyed) return;
    requestCount++;
    FAULTS[requestCount % every === 0 ? fault! : 'none']!(socket);
  });
  socket.on('error', () => {});
  socket.on('data', (bytes: Buffer) => reader.push(bytes));
});

process.on('message', () => process.send!({ requestCount, connectionCount }));
process.on('disconnect', () => process.exit(0));
server.listen(socketPath ? { path: socketPath } : { port: 0, host: '127.0.0.1' }, () => {
  const address = server.address();
  const where = typeof address === 'string' ? address : address!.port;
  process.send!({ where });
});
