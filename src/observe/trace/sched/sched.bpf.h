/* SPDX-License-Identifier: Dual MIT/GPL */
/* Turns of CPUs, states of threads, and the charging of the one to the other. */
#pragma once

static __always_inline void count_in(__u32 *histogram, __u64 value)
{
	__u32 bucket = bucket_of(value);
	asm volatile("" : "+r"(bucket)); /* keeps the check below, which the verifier needs */
	if (bucket < BUCKET_COUNT)
		histogram[bucket]++;
}

static __always_inline void begin_turn(struct cpu_log *log, struct task_struct *task, __u64 now)
{
	log->now.start_ns = now;
	log->now.pid = task->pid;
	log->now.tgid = task->tgid;
	log->now.kernel_thread = !!(task->flags & PF_KTHREAD);
	__builtin_memcpy(log->now.comm, task->comm, COMM_BYTES);
}

static __always_inline void end_turn(struct cpu_log *log, __u64 now)
{
	struct turn *turn = &log->turns[log->count & (LOG_LIMIT - 1)];
	*turn = log->now;
	turn->end_ns = now;
	log->count++;
}

static __always_inline void charge_turn(struct control *c, __u32 tid, __u32 cpu, struct turn *turn, __u64 ns)
{
	struct rival_key key = { .tid = tid, .pid = turn->pid, .tgid = turn->tgid, .cpu = cpu };
	struct rival *r = bpf_map_lookup_elem(&rivals, &key);
	if (!r) {
		struct rival first = { .kernel_thread = turn->kernel_thread };
		__builtin_memcpy(first.comm, turn->comm, COMM_BYTES);
		bpf_map_update_elem(&rivals, &key, &first, BPF_NOEXIST);
		r = bpf_map_lookup_elem(&rivals, &key);
	}
	if (!r) {
		__sync_fetch_and_add(&c->rows_lost, 1);
		__sync_fetch_and_add(&c->lost_ns, ns);
		return;
	}
	__sync_fetch_and_add(&r->ns, ns);
	__sync_fetch_and_add(&r->count, 1);
}

/* The time of one wait that is still to be charged. */
struct charge {
	struct control *c;
	struct cpu_log *log;
	__u64 from_ns, to_ns, left_ns;
	__u64 count;
	__u32 tid, cpu;
};

static __always_inline void charge_part(struct charge *x, struct turn *turn, __u64 end_ns)
{
	__u64 start = turn->start_ns > x->from_ns ? turn->start_ns : x->from_ns;
	__u64 end = end_ns < x->to_ns ? end_ns : x->to_ns;
	if (end <= start)
		return;
	charge_turn(x->c, x->tid, x->cpu, turn, end - start);
	x->left_ns -= end - start < x->left_ns ? end - start : x->left_ns;
}

/* One turn of the log, the latest first. */
static long charge_logged(__u32 i, struct charge *x)
{
	struct turn *turn;
	if (i >= x->count || !x->left_ns)
		return 1;
	turn = &x->log->turns[(x->count - 1 - i) & (LOG_LIMIT - 1)];
	if (turn->end_ns <= x->from_ns)
		return 1;
	charge_part(x, turn, turn->end_ns);
	return 0;
}

/* Charges the time since the last charge to those who had the CPU; `with_present`: also to who has it now. */
static __always_inline void charge(struct control *c, struct thread *t, struct cpu_log *log, __u32 tid, __u32 cpu,
				   __u64 now, _Bool with_present)
{
	struct charge x = {
		.c = c, .log = log, .from_ns = t->charged_ns, .to_ns = now, .count = log->count, .tid = tid, .cpu = cpu,
	};
	if (now <= x.from_ns)
		return;
	x.left_ns = now - x.from_ns;
	if (with_present && log->now.start_ns)
		charge_part(&x, &log->now, now);
	bpf_loop(LOG_LIMIT, charge_logged, &x, 0);
	if (x.left_ns)
		__sync_fetch_and_add(&c->lost_ns, x.left_ns);
}

static __always_inline void switched_out(struct control *c, struct thread *t, struct task_struct *prev, __u32 state,
					 __u32 cpu, __u64 now)
{
	__u64 since = t->where == UNKNOWN ? c->start_ns : t->since_ns;
	if (t->where == UNKNOWN || t->where == RUNNING)
		t->run_ns += now - since;
	else { /* how it came to the CPU was not seen: the time goes to what is likely to be most of it */
		if (t->where == RUNNABLE)
			t->run_ns += now - since;
		else
			t->blocked_ns += now - since;
		__sync_fetch_and_add(&c->unseen, 1);
	}
	t->since_ns = t->charged_ns = now;
	t->cpu = cpu;
	if ((state & 0xff) == 0)
		t->involuntary++;
	else
		t->voluntary++;
	t->where = (state & 0xff) == 0 ? RUNNABLE : BLOCKED;
	/* Whoever wakes it may be waiting already for it to leave the CPU; sched_wakeup is still to come. */
	t->waking_ns = t->where == BLOCKED && (prev->__state & TASK_WAKING) ? now : 0;
}

static __always_inline void switched_in(struct control *c, struct thread *t, struct cpu_log *log,
					struct task_struct *next, __u32 cpu, __u64 now)
{
	if (t->where == RUNNABLE) {
		__u64 ns = now - t->since_ns;
		t->wait_ns += ns;
		t->waits++;
		if (ns > t->wait_max_ns)
			t->wait_max_ns = ns;
		count_in(t->wait_hist, ns);
		charge(c, t, log, next->pid, cpu, now, 0);
		if (t->waking_ns) {
			__u64 wake = now - t->waking_ns;
			if (wake > t->wake_max_ns)
				t->wake_max_ns = wake;
			count_in(t->wake_hist, wake);
		}
	} else if (t->where == BLOCKED) { /* its wake-up was not seen: how long it waited is not known */
		t->blocked_ns += now - t->since_ns;
		t->wakeups++;
		__sync_fetch_and_add(&c->unseen, 1);
	} else if (t->where == UNKNOWN) { /* it waited when all this began; how long before that is not known */
		t->wait_ns += now - c->start_ns;
		t->charged_ns = c->start_ns;
		charge(c, t, log, next->pid, cpu, now, 0);
	}
	t->where = RUNNING;
	t->since_ns = now;
	t->cpu = cpu;
	t->waking_ns = 0;
}

static __always_inline void woken(struct control *c, struct thread *t, struct task_struct *task)
{
	__u64 now;
	if (t->where != BLOCKED && !(t->where == UNKNOWN && t->waking_ns))
		return;
	now = bpf_ktime_get_ns();
	t->blocked_ns += now - (t->where == UNKNOWN ? c->start_ns : t->since_ns);
	t->wakeups++;
	t->where = RUNNABLE;
	t->since_ns = t->charged_ns = now;
	t->cpu = task->thread_info.cpu;
}
