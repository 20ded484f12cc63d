// SPDX-License-Identifier: Dual MIT/GPL
/*
 * Calls of chosen user functions: entry and return, nested. Each thread has a stack of the calls it is in.
 *
 * Invariants
 *  F1  Stacks grow down: a frame whose stack pointer is not above the present one has been left, whether or not its
 *      return was seen (longjmp, an exception). Only a tail call shares its caller's stack pointer: it finds the address
 *      of the kernel's return trampoline, which begins a page, where an ordinary call finds its own return address.
 *  F2  Only the thread itself touches its frames. `stats` may be met by several threads on one CPU, as these programs can
 *      be preempted: hence atomic additions.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#include "../kernel.bpf.h"
#include "../../probes/buckets.bpf.h"
#include "../task.bpf.h"

#define FUNCTION_LIMIT 128
/* The kernel follows as many returns of a thread (MAX_URETPROBE_DEPTH, include/linux/uprobes.h). */
#define FRAME_LIMIT 64
#define NO_CALLER 0xffff

struct frame {
	__u64 stack_pointer, start_ns, start_off_ns;
	__u64 child_ns, child_off_ns; /* of traced functions called from it */
	__u32 function;
	__u32 recursive; /* the function is already in a frame farther out */
};

struct thread {
	struct task_part task;
	__u32 depth;
	__u32 pad;
	__u64 calls;
	struct frame frames[FRAME_LIMIT];
};

struct function_stats {
	__u64 calls; /* entries */
	__u64 returns; /* those timed */
	__u64 ns, off_ns; /* of every call, recursive ones too */
	__u64 inclusive_ns, inclusive_off_ns; /* of the outermost calls only */
	__u64 exclusive_ns, exclusive_off_ns; /* without traced functions called from it */
	__u64 max_ns;
	__u64 recursive;
	__u64 too_deep; /* entered with FRAME_LIMIT calls open: not timed */
	__u64 abandoned; /* left without a return */
	__u64 unmatched; /* returns of calls whose entry was not seen */
	__u32 hist[BUCKET_COUNT];
	__u32 exclusive_hist[BUCKET_COUNT];
};

struct edge { __u64 calls, ns; };

#include "../threads.bpf.h"
#include "../off-cpu.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FUNCTION_LIMIT);
	__type(key, __u32);
	__type(value, struct function_stats);
} stats SEC(".maps");

/* Key: caller << 16 | function. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct edge);
} edges SEC(".maps");

#include "functions.bpf.h"

SEC("uprobe")
int on_entry(void *ctx)
{
	__u32 function = bpf_get_attach_cookie(ctx), depth;
	struct function_stats *s = bpf_map_lookup_elem(&stats, &function);
	struct control *c = get_control();
	struct thread *t;
	struct frame *f;
	__u64 sp;
	if (!s || !c || !c->on)
		return 0;
	t = thread_of((__u32)bpf_get_current_pid_tgid());
	if (!t && c->any)
		t = add_thread(c, bpf_get_current_task_btf());
	if (!t)
		return 0;
	note_running(t);
	__sync_fetch_and_add(&s->calls, 1);
	t->calls++;
	sp = stack_pointer_of(ctx);
	depth = drop_frames(t, sp, is_tail_call(ctx, sp));
	if (depth >= FRAME_LIMIT) {
		__sync_fetch_and_add(&s->too_deep, 1);
		return 0;
	}
	f = &t->frames[depth & (FRAME_LIMIT - 1)];
	f->stack_pointer = sp;
	f->function = function;
	f->recursive = is_open(t, depth, function);
	f->child_ns = f->child_off_ns = 0;
	t->depth = depth + 1;
	f->start_off_ns = t->task.off_ns;
	f->start_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("uprobe")
int on_exit(void *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 function = bpf_get_attach_cookie(ctx);
	struct function_stats *s = bpf_map_lookup_elem(&stats, &function);
	struct thread *t = thread_of((__u32)bpf_get_current_pid_tgid());
	struct control *c = get_control();
	if (!s || !t || !c || !c->on)
		return 0;
	note_running(t);
	if (find_frame(t, function, stack_pointer_at_entry(ctx)))
		close_frame(c, s, t, function, now);
	else
		__sync_fetch_and_add(&s->unmatched, 1);
	return 0;
}
