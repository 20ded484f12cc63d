// SPDX-License-Identifier: Dual MIT/GPL
/*
 * Where the traced threads are: running, runnable or blocked; and who ran on their CPU while they were runnable.
 *
 * Invariants
 *  W1  A thread's row has one writer at a time: the CPU it runs on, or whose queue it is in, or who wakes it.
 *  W2  A CPU's log has one writer: that CPU. It keeps its last LOG_LIMIT turns; a wait that more turns than that
 *      went over is charged as far as they reach, and the rest of it is in `lost_ns`.
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

#define CPU_LIMIT 1024
#define LOG_LIMIT 256

enum where { UNKNOWN = 0, RUNNING = 1, RUNNABLE = 2, BLOCKED = 3 };

struct thread {
	struct task_part task;
	__u32 where;
	__u32 cpu;
	__u64 since_ns, charged_ns, waking_ns;
	__u64 run_ns, wait_ns, blocked_ns;
	__u64 voluntary, involuntary, migrations, wakeups, waits;
	__u64 wait_max_ns, wake_max_ns;
	__u32 wait_hist[BUCKET_COUNT]; /* from runnable to running */
	__u32 wake_hist[BUCKET_COUNT]; /* from being woken to running */
};

/* A turn of a task on a CPU; pid 0 is the idle task. */
struct turn {
	__u64 start_ns, end_ns;
	__u32 pid, tgid;
	__u32 kernel_thread, pad;
	char comm[16];
};

struct cpu_log {
	__u64 count;
	struct turn now;
	struct turn turns[LOG_LIMIT];
};

struct rival_key { __u32 tid, pid, tgid, cpu; };
struct rival { __u64 ns, count; __u32 kernel_thread, pad; char comm[16]; };

#include "../threads.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CPU_LIMIT);
	__type(key, __u32);
	__type(value, struct cpu_log);
} logs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct rival_key);
	__type(value, struct rival);
} rivals SEC(".maps");

#include "sched.bpf.h"

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, _Bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct cpu_log *log = bpf_map_lookup_elem(&logs, &cpu);
	struct control *c = get_control();
	struct thread *t;
	__u64 now;
	if (!log || !c || !c->on)
		return 0;
	now = bpf_ktime_get_ns();
	if (!log->now.start_ns) /* the first switch here: prev has had this CPU since before the beginning */
		begin_turn(log, prev, c->start_ns);
	end_turn(log, now);
	begin_turn(log, next, now);
	t = thread_of(prev->pid);
	if (t)
		switched_out(c, t, prev, preempt ? 0 : prev_state, cpu, now);
	t = thread_of(next->pid);
	if (t)
		switched_in(c, t, log, next, cpu, now);
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
	struct control *c = get_control();
	struct thread *t = thread_of(task->pid);
	if (t && c && c->on && (t->where == BLOCKED || t->where == UNKNOWN))
		t->waking_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
	struct control *c = get_control();
	struct thread *t = thread_of(task->pid);
	if (t && c && c->on)
		woken(c, t, task);
	return 0;
}

/* A thread's first wake-up, by the fork that made it. */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *task)
{
	struct control *c = get_control();
	struct thread *t = thread_of(task->pid);
	if (!t || !c || !c->on)
		return 0;
	t->where = BLOCKED;
	t->since_ns = t->waking_ns = bpf_ktime_get_ns();
	woken(c, t, task);
	return 0;
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(on_migrate, struct task_struct *task, int to)
{
	struct control *c = get_control();
	struct thread *t = thread_of(task->pid);
	struct cpu_log *log;
	__u64 now;
	__u32 cpu;
	if (!t || !c || !c->on)
		return 0;
	t->migrations++;
	if (t->where != RUNNABLE)
		return 0;
	now = bpf_ktime_get_ns();
	cpu = t->cpu;
	log = bpf_map_lookup_elem(&logs, &cpu);
	if (log)
		charge(c, t, log, task->pid, cpu, now, 1);
	t->charged_ns = now;
	t->cpu = to;
	return 0;
}
