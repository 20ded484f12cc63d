// Goal: a failed call tells the user what happened, why, and what to try. Method: the messages themselves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRNO } from './errno.ts';
import { syscallError } from './syscall-error.ts';

test('errors name the call, the errno, the cause and the remedy', () => {
  const cases: [string, number, string, string, RegExp, RegExp][] = [
    [
      'bind',
      ERRNO.EADDRINUSE,
      '127.0.0.1:80',
      'SYSCALL',
      /^bind 127\.0\.0\.1:80: EADDRINUSE \(98\): /,
      /ss -ltn/,
    ],
    ['bind', ERRNO.EACCES, '127.0.0.1:80', 'PERMISSION', /CAP_NET_BIND_SERVICE/, /above 1023/],
    ['io_uring_setup', ERRNO.EPERM, '', 'PERMISSION', /^io_uring_setup: EPERM \(1\): .*seccomp/, /sysctl/],
    ['io_uring_setup', ERRNO.ENOSYS, '', 'KERNEL_FEATURE', /no io_uring/, /epoll/],
    ['socket', ERRNO.EMFILE, '', 'SYSCALL', /open files/, /ulimit -n/],
    ['somecall', ERRNO.ENOSYS, '', 'KERNEL_FEATURE', /sandbox/, /uname/],
    ['somecall', ERRNO.EXDEV, 'x', 'SYSCALL', /^somecall x: EXDEV \(18\)$/, /^$/],
    ['somecall', 4000, '', 'SYSCALL', /^somecall: errno 4000 \(4000\)$/, /^$/],
  ];
  for (const [call, errno, subject, code, message, hint] of cases) {
    const error = syscallError(call, errno, subject);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.match(error.hint, hint);
  }
});
