// Code without unwind information, but with frame pointers, as a JIT compiler writes it.
// gcc -O1 -fno-omit-frame-pointer -fno-asynchronous-unwind-tables
volatile int depth_reached;

__attribute__((noinline, noclone)) static void inner(void (*then)(void), int n) {
  if (n > 0) inner(then, n - 1);
  else then();
  depth_reached++;
}

__attribute__((noinline, noclone)) void legacy(void (*then)(void)) {
  inner(then, 3);
  depth_reached++;
}
