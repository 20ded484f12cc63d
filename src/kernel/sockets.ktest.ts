// Goal: sockets are opened as asked, and refusals are explained. Method: real sockets, inspected by other calls.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Address } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { IPPROTO_TCP, SO_REUSEPORT, SOL_SOCKET, TCP_NODELAY } from './abi/socket.ts';
import { __NR_getsockopt } from './abi/syscall-numbers.ts';
import { encodeAddress } from './address.ts';
import { ERRNO } from './errno.ts';
import { offHeap, syscall } from './libc.ts';
import {
  acceptConnection,
  closeFd,
  localAddress,
  openClientSocket,
  openListener,
  setIntOption,
  startConnect,
  unlinkSocketPath,
} from './sockets.ts';

const LOOPBACK: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
let directory = '';
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'loopscope-'));
});
after(() => rmSync(directory, { recursive: true }));

function refusal(body: () => unknown): LoopscopeError {
  try {
    body();
  } catch (error) {
    assert.ok(error instanceof LoopscopeError);
    return error;
  }
  assert.fail('nothing was thrown');
}

test('a Unix listener has the mode asked for, and a live one is not taken over', () => {
  const address: Address = { kind: 'unix', path: join(directory, 'mode.sock') };
  const fd = openListener(address, { unixMode: 0o600 });
  assert.equal(statSync(address.path).mode & 0o777, 0o600);
  assert.match(refusal(() => openListener(address)).message, /EADDRINUSE/);
  // The probe for life left a connection: it is an end of file to whoever accepts, not an obstacle.
  const probe = acceptConnection(fd);
  assert.ok(probe >= 0);
  closeFd(probe);
  closeFd(fd);
  unlinkSocketPath(address.path);
  assert.equal(existsSync(address.path), false);
  unlinkSocketPath(address.path);
});

test('an ordinary file in the way is left alone', () => {
  const path = join(directory, 'file');
  writeFileSync(path, 'precious');
  assert.match(refusal(() => openListener({ kind: 'unix', path })).message, /a file that is no socket/);
  unlinkSocketPath(path);
  assert.ok(existsSync(path));
});

test('two listeners share a port only when both ask for it', () => {
  const first = openListener(LOOPBACK, { reusePort: true });
  const address = localAddress(first);
  const second = openListener(address, { reusePort: true });
  assert.deepEqual(localAddress(second), address);
  assert.match(refusal(() => openListener(address)).hint, /ss -ltnxp/);
  closeFd(first);
  closeFd(second);
});

test('refusals say what to do', () => {
  const cases: [string, () => unknown, RegExp, RegExp][] = [
    [
      'no such directory',
      () => openListener({ kind: 'unix', path: join(directory, 'no', 'x.sock') }),
      /ENOENT.*directory/,
      /create it/,
    ],
    [
      'not our address',
      () => openListener({ kind: 'tcp', host: '192.0.2.1', port: 0 }),
      /EADDRNOTAVAIL/,
      /ip -brief address/,
    ],
    [
      'not our source address',
      () => openClientSocket(LOOPBACK, { sourceAddress: '192.0.2.1' }),
      /bind 192\.0\.2\.1: EADDRNOTAVAIL/,
      /ip -brief/,
    ],
    [
      'no such descriptor',
      () => setIntOption(-1, SOL_SOCKET, SO_REUSEPORT, 1, 'SO_REUSEPORT'),
      /SO_REUSEPORT/,
      /^$/,
    ],
  ];
  for (const [name, body, message, hint] of cases) {
    const error = refusal(body);
    assert.match(error.message, message, name);
    assert.match(error.hint, hint, name);
  }
});

test('accepted sockets are non-blocking, close on exec, and inherit TCP_NODELAY', () => {
  const listener = openListener(LOOPBACK);
  const address = localAddress(listener);
  assert.equal(acceptConnection(listener), -ERRNO.EAGAIN);
  const client = openClientSocket(address);
  const result = startConnect(client, encodeAddress(address));
  assert.ok(result === 0 || result === -ERRNO.EINPROGRESS);
  const server = acceptConnection(listener);
  assert.ok(server >= 0);
  assert.deepEqual(localAddress(server), address);
  // Octal O_NONBLOCK and O_CLOEXEC, proc_pid_fdinfo(5).
  const flags = Number.parseInt(
    /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${server}`, 'utf8'))![1]!,
    8,
  );
  assert.equal(flags & 0o4000, 0o4000);
  assert.equal(flags & 0o2000000, 0o2000000);
  const value = offHeap(4);
  const length = offHeap(4);
  length[0] = 4;
  assert.equal(syscall(__NR_getsockopt, server, IPPROTO_TCP, TCP_NODELAY, value, length), 0);
  assert.equal(value[0], 1);
  for (const fd of [server, client, listener]) closeFd(fd);
});
