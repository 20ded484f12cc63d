// SPDX-License-Identifier: Dual MIT/GPL
/*
 * System calls of the traced threads: one row of counts a call and CPU.
 *
 * Invariants
 *  S1  A call counts when it returns, if its entry was seen with `on` set. A return without entry began before.
 *  S2  Only the thread itself writes its row's call fields; only on_return, which the kernel does not run twice at once
 *      on a CPU, writes `stats`. What the kernel skipped for that reason is in the program's recursion_misses.
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

/* Numbers beyond the last share its row. */
#define CALL_LIMIT 512
#define MAX_ERRNO 4095

struct thread {
	struct task_part task;
	__u32 call; /* 1 + number of the call in flight, 0: none */
	__u32 pad;
	__u64 enter_ns;
	__u64 enter_off_ns;
	__u64 calls, errors, ns, off_ns;
};

struct call_stats {
	__u64 calls, errors, ns, off_ns, max_ns;
	__u64 began_before;
	__u32 hist[BUCKET_COUNT];
};

#include "../threads.bpf.h"
#include "../off-cpu.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CALL_LIMIT);
	__type(key, __u32);
	__type(value, struct call_stats);
} stats SEC(".maps");

/* Key: number << 16 | errno. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} errnos SEC(".maps");

static __always_inline void count_errno(struct control *c, __u32 call, __u32 number)
{
	__u32 key = call << 16 | number;
	__u64 one = 1, *count = bpf_map_lookup_elem(&errnos, &key);
	if (!count && !bpf_map_update_elem(&errnos, &key, &one, BPF_NOEXIST))
		return;
	if (!count) /* another CPU was faster */
		count = bpf_map_lookup_elem(&errnos, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		__sync_fetch_and_add(&c->rows_lost, 1);
}

static __always_inline struct call_stats *stats_of(__u64 call)
{
	__u32 key = call < CALL_LIMIT ? call : CALL_LIMIT - 1;
	return bpf_map_lookup_elem(&stats, &key);
}

static __always_inline __u64 call_of(void *regs)
{
	struct pt_regs___x86 *x86 = regs;
	struct pt_regs___arm64 *arm64 = regs;
	if (bpf_core_field_exists(x86->orig_ax))
		return BPF_CORE_READ(x86, orig_ax);
	return BPF_CORE_READ(arm64, syscallno);
}

static __always_inline void count_in(__u32 *histogram, __u64 value)
{
	__u32 bucket = bucket_of(value);
	asm volatile("" : "+r"(bucket)); /* keeps the check below, which the verifier needs */
	if (bucket < BUCKET_COUNT)
		histogram[bucket]++;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_call, void *regs, long call)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct control *c = get_control();
	struct thread *t;
	if (is_stranger(tid) || !c || !c->on)
		return 0;
	t = thread_of(tid);
	if (!t)
		return 0;
	note_running(t);
	t->task.fresh = 0;
	t->call = (__u32)call + 1;
	t->enter_off_ns = t->task.off_ns;
	t->enter_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_return, void *regs, long result)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid(), call;
	struct control *c = get_control();
	struct call_stats *s;
	struct thread *t;
	__u64 ns, off;
	if (is_stranger(tid) || !c || !c->on)
		return 0;
	t = thread_of(tid);
	if (!t)
		return 0;
	note_running(t);
	if (!t->call) {
		/* A new thread's first return is from the call its parent made. */
		if (!t->task.fresh && (s = stats_of(call_of(regs))))
			s->began_before++;
		t->task.fresh = 0;
		return 0;
	}
	ns = bpf_ktime_get_ns() - t->enter_ns;
	call = t->call - 1;
	t->call = 0;
	s = stats_of(call);
	if (!s)
		return 0;
	off = t->task.off_ns - t->enter_off_ns;
	s->calls++;
	s->ns += ns;
	s->off_ns += off;
	if (ns > s->max_ns)
		s->max_ns = ns;
	count_in(s->hist, ns);
	t->calls++;
	t->ns += ns;
	t->off_ns += off;
	if (result < 0 && result >= -MAX_ERRNO) {
		s->errors++;
		t->errors++;
		count_errno(c, call < CALL_LIMIT ? call : CALL_LIMIT - 1, -result);
	}
	return 0;
}

/* execve in a thread that is not the first: it takes the first thread's number, and the call goes with it. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_tid)
{
	struct thread *was = thread_of(old_tid), *t;
	struct control *c = get_control();
	if (!was || !c || old_tid == task->pid)
		return 0;
	t = add_thread(c, task);
	if (!t)
		return 0;
	t->call = was->call;
	t->enter_ns = was->enter_ns;
	t->enter_off_ns = t->task.off_ns;
	was->call = 0;
	was->task.ended = 1;
	return 0;
}
