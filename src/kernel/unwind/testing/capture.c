// Stops at a chosen place, and prints what a copier of stacks would take there: registers, stack, maps; and how the
// C library's own unwinder sees the same stack. gcc -O2 -fomit-frame-pointer -pthread capture.c legacy.c
#define _GNU_SOURCE
#include <alloca.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

static unsigned long registers[17];
static void *stack_end;
volatile int sink;
void legacy(void (*then)(void));

static void *end_of_stack(void) {
  pthread_attr_t attributes;
  void *from;
  size_t bytes;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &from, &bytes);
  pthread_attr_destroy(&attributes);
  return (char *)from + bytes;
}

NOINLINE static void print_state(void **frames, int count) {
  unsigned char *at = (unsigned char *)registers[7];
  unsigned char *end = stack_end;
  if (end - at > 65536) end = at + 65536;
  printf("registers");
  for (int i = 0; i < 17; i++) printf(" %lx", registers[i]);
  printf("\nframes");
  for (int i = 1; i < count; i++) printf(" %lx", (unsigned long)frames[i]);
  printf("\nstack ");
  for (; at < end; at++) printf("%02x", *at);
  printf("\nmaps\n");
  fflush(stdout);
  char line[4096];
  FILE *maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps)) fputs(line, stdout);
  fclose(maps);
  fflush(stdout);
}

NOINLINE void capture(void) {
  void *frames[64];
  asm volatile(
      "mov %%rax, 0(%0); mov %%rdx, 8(%0); mov %%rcx, 16(%0); mov %%rbx, 24(%0); mov %%rsi, 32(%0);"
      "mov %%rdi, 40(%0); mov %%rbp, 48(%0); mov %%rsp, 56(%0); mov %%r8, 64(%0); mov %%r9, 72(%0);"
      "mov %%r10, 80(%0); mov %%r11, 88(%0); mov %%r12, 96(%0); mov %%r13, 104(%0); mov %%r14, 112(%0);"
      "mov %%r15, 120(%0); lea 0(%%rip), %%rax; mov %%rax, 128(%0)" ::"D"(registers)
      : "rax", "memory");
  int count = backtrace(frames, 64);
  print_state(frames, count);
  sink++;
}

NOINLINE static void deep(int n, long a, long b, long c) {
  volatile long kept[7] = {a, b, c, n};
  if (n > 0) deep(n - 1, b + kept[0], c ^ kept[1], a * kept[2]);
  else capture();
  sink += kept[3];
}

NOINLINE static void variable(int n) {
  char *area = alloca(n);
  memset(area, n, n);
  deep(2, n, 2, 3);
  sink += area[n / 2];
}

NOINLINE static void realigned(int n) {
  __attribute__((aligned(64))) volatile char area[128];
  char *more = alloca(n);
  memset(more, 1, n);
  area[n % 128] = more[0];
  variable(n);
  sink += area[n % 128];
}

NOINLINE static int compare(const void *a, const void *b) {
  static int calls;
  if (++calls == 3) deep(1, 1, 2, 3);
  return *(const int *)a - *(const int *)b;
}

NOINLINE static void sorted(void) {
  int numbers[] = {5, 3, 9, 1, 7};
  qsort(numbers, 5, sizeof(int), compare);
  sink += numbers[0];
}

NOINLINE static void on_signal(int number) {
  deep(number & 1, 1, 2, 3);
  sink++;
}

NOINLINE static void signalled(int flags) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  sink++;
}

// A fault inside code that called nothing: what lies below the handler is no call.
NOINLINE static int faulting(volatile int *where) {
  return *where + sink;
}

NOINLINE static void on_fault(int number) {
  deep(1, number, 2, 3);
  exit(0);
}

NOINLINE __attribute__((noreturn)) static void final(void) {
  capture();
  exit(0);
}

NOINLINE static void ends(int n) {
  sink = n;
  final();
}

static void *thread(void *unused) {
  stack_end = end_of_stack();
  deep(3, 1, 2, 3);
  return unused;
}

int main(int count, char **names) {
  const char *name = count > 1 ? names[1] : "deep";
  stack_end = end_of_stack();
  if (!strcmp(name, "deep")) deep(5, 1, 2, 3);
  if (!strcmp(name, "variable")) variable(count * 40);
  if (!strcmp(name, "realigned")) realigned(count * 40);
  if (!strcmp(name, "sorted")) sorted();
  if (!strcmp(name, "signalled")) signalled(0);
  if (!strcmp(name, "elsewhere")) {
    stack_t other = {.ss_sp = malloc(65536), .ss_size = 65536};
    sigaltstack(&other, NULL);
    stack_end = (char *)other.ss_sp + other.ss_size;
    signalled(SA_ONSTACK);
  }
  if (!strcmp(name, "faulted")) {
    signal(SIGSEGV, on_fault);
    sink = faulting((int *)8L);
  }
  if (!strcmp(name, "ends")) ends(count);
  if (!strcmp(name, "legacy")) legacy(capture);
  if (!strcmp(name, "thread")) {
    pthread_t other;
    pthread_create(&other, NULL, thread, NULL);
    pthread_join(other, NULL);
  }
  return sink == 77;
}
