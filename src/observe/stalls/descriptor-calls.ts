/** Calls whose first argument is a descriptor; for the others a file name would be nonsense. */
const CALLS = new Set(
  (
    'read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 fsync fdatasync sync_file_range syncfs ' +
    'sendfile splice fallocate ftruncate fstat newfstatat getdents64 flock fcntl ioctl connect accept accept4 sendto ' +
    'recvfrom sendmsg recvmsg sendmmsg recvmmsg shutdown close openat lseek epoll_wait epoll_pwait epoll_pwait2 ' +
    'io_uring_enter copy_file_range readahead fadvise64'
  ).split(' '),
);

export function takesDescriptor(call: string): boolean {
  return CALLS.has(call);
}
