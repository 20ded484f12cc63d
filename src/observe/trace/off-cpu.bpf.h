/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * How long a traced thread was off the CPU, so that the time of a call divides into running and waiting; and whether the
 * thread that a CPU has now is traced, so that programs met by everybody need not look that up at each event.
 */
#pragma once

enum whose { ANYBODY = 0, TRACED = 1, STRANGER = 2 };

/*
 * Who has a CPU now, as the last switch that was seen there says. Whoever asks compares the number: some switches are
 * not seen (those of the threads that a sandbox keeps from being traced, those whose run the kernel skipped).
 */
struct present { __u32 tid, whose; };

/* Not known until the CPU first changes hands with `on` set: by then all threads are listed. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct present);
} present SEC(".maps");

static __always_inline _Bool is_stranger(__u32 tid)
{
	__u32 zero = 0;
	struct present *p = bpf_map_lookup_elem(&present, &zero);
	return p && p->whose == STRANGER && p->tid == tid;
}

/* A thread that does something runs: it came back at the latest now, if that was not seen. */
static __always_inline void note_running(struct thread *t)
{
	if (!t->task.off_since_ns)
		return;
	t->task.off_ns += bpf_ktime_get_ns() - t->task.off_since_ns;
	t->task.off_since_ns = 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, _Bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct thread *t = thread_of(prev->pid);
	struct control *c = get_control();
	__u32 zero = 0;
	struct present *p = bpf_map_lookup_elem(&present, &zero);
	if (t)
		t->task.off_since_ns = bpf_ktime_get_ns();
	t = thread_of(next->pid);
	if (p && c && c->on) {
		p->tid = next->pid;
		p->whose = t ? TRACED : STRANGER;
	}
	if (t)
		note_running(t);
	return 0;
}
