/* SPDX-License-Identifier: Dual MIT/GPL */
/* Tier 1, armed on suspicion: where a watched thread is when it is not on the CPU, and who is there instead. */
#pragma once

/* A stack and names are taken only of blocks this long: they cost some µs of the waker's time. */
#define LONG_BLOCK_NS 100000
/* From the announcement of a pause for dirty pages to the sleep. */
#define PAUSE_WITHIN_NS 50000

/*
 * What a task goes to sleep in. One that a signal, a tracer or the freezer stops still has in its registers the call that
 * it came from, as a rule its wait: that is not what it sleeps in. A sleep that was interrupted goes on under another
 * call's number: restart_syscall(2).
 */
static __always_inline void note_blocking_call(struct loop_state *s, struct task_struct *task, __u32 state)
{
	__s32 restart = bpf_core_field_exists(struct pt_regs___x86, orig_ax) ? 219 : 128;
	if (state & (TASK_STOPPED | TASK_TRACED | TASK_FROZEN) || is_freezing(task)) {
		s->block_call = state & TASK_STOPPED ? CALL_STOPPED : state & TASK_TRACED ? CALL_TRACED : CALL_FROZEN;
		s->block_fd = -1;
		return;
	}
	s->block_call = call_in_flight(task, &s->block_fd);
	if (s->block_call == restart) {
		s->block_call = s->last_call;
		s->block_fd = s->last_fd;
	} else if (s->block_call >= 0) {
		s->last_call = s->block_call;
		s->last_fd = s->block_fd;
	}
}

/*
 * Who wakes: the current process, unless it is in no system call. Then an interrupt came upon it in user mode, and it has
 * nothing to do with the wake-up.
 */
static __always_inline __u32 waker_of(void)
{
	struct task_struct *current = bpf_get_current_task_btf();
	__s32 fd;
	if (!(current->flags & PF_KTHREAD) && call_in_flight(current, &fd) < 0)
		return 0;
	return current->tgid;
}

/* In the waker's context. Who wakes it is noted, unless an interrupt does. */
static __always_inline void block_ended(struct loop_state *s, struct task_struct *task, __u64 ns)
{
	struct cpu_memory *here = this_cpu();
	__u32 place = 0;
	struct block *b = count_block(s, ns, &place);
	if (!b)
		return;
	b->waker_pid = here && here->in_irq ? 0 : waker_of();
	bpf_get_current_comm(b->waker_comm, COMM_BYTES);
	keep_block_stack(s, b, place);
	if (ns < LONG_BLOCK_NS)
		return;
	long bytes = bpf_get_task_stack(task, b->stack, sizeof(b->stack), 0);
	b->depth = bytes > 0 ? (__u64)bytes >> 3 : 0;
	describe(task, b);
}

static __always_inline void switched_out(struct cpu_memory *m, struct task_struct *prev, __u32 state, __u64 now)
{
	__u32 index = m->loop - 1;
	struct loop_state *s = armed_state(index);
	if (!s || s->where != RUNNING)
		return;
	close_run(s, m, prev, now);
	s->cpu = bpf_get_smp_processor_id();
	s->queue_mark = prev->sched_info.run_delay;
	/* R, or R+ of a preempted or throttled task; or a sleeper whose wake-up came before it was off the CPU. */
	if ((state & (0xff | TASK_FROZEN)) == 0 || (prev->__state & TASK_WAKING)) {
		s->where = RUNNABLE;
		s->charged_ns = now;
		s->task = (__u64)prev;
		s->throttled = is_throttled(s);
		__sync_fetch_and_or(&m->waiting, 1ULL << (index & 63));
		return;
	}
	s->where = BLOCKED;
	s->block_uninterruptible = !!(state & TASK_UNINTERRUPTIBLE);
	note_blocking_call(s, prev, state);
	if (s->in_wait)
		return;
	s->block_copied = copy_user_stack(s, s->block_stacks[BLOCK_LIMIT], prev);
	/* The pause follows upon its announcement: what comes later is another block. */
	if (s->dirty_mark && now - s->dirty_mark > PAUSE_WITHIN_NS)
		s->dirty_mark = 0;
}

static __always_inline void switched_in(struct cpu_memory *m, __u32 index, struct task_struct *next, __u64 now)
{
	__sync_fetch_and_and(&m->waiting, ~(1ULL << (index & 63)));
	struct loop_state *s = armed_state(index);
	if (!s)
		return;
	if (s->where == RUNNABLE)
		s->stall.runq_ns += now - s->since_ns;
	else if (s->where == BLOCKED && !s->in_wait) /* its wake-up was not seen */
		s->unseen_ns = now - s->since_ns;
	if (s->wake_ns)
		s->wake_delay_ns = now - s->wake_ns;
	s->where = RUNNING;
	s->since_ns = now;
	s->steal_mark = steal_of(next);
	s->irq_mark = m->irq_ns;
}

static __always_inline void remember(struct cpu_memory *m, struct task_struct *task, __u64 now)
{
	m->since_ns = now;
	m->pid = task->tgid;
	m->kernel_thread = !!(task->flags & PF_KTHREAD);
	__builtin_memcpy(m->comm, task->comm, COMM_BYTES);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, _Bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	__u64 now = bpf_ktime_get_ns();
	struct cpu_memory *m = this_cpu();
	if (!m)
		return 0;
	if (!m->since_ns) /* the first switch here since arming: only now is it known who had this CPU */
		remember(m, prev, now);
	__u64 waiting = m->waiting;
	for (int i = 0; i < 8 && waiting; i++) {
		__u32 index = floor_log2(waiting);
		waiting &= ~(1ULL << (index & 63));
		struct loop_state *s = armed_state(index);
		if (s && s->where == RUNNABLE)
			charge(s, m, now);
		else
			__sync_fetch_and_and(&m->waiting, ~(1ULL << (index & 63)));
	}
	__u32 *loop = preempt ? 0 : loop_index_of(prev->pid);
	if (loop)
		fell_asleep(*loop, prev_state, now);
	if (m->loop)
		switched_out(m, prev, preempt ? 0 : prev_state, now);
	remember(m, next, now);
	loop = loop_index_of(next->pid);
	m->loop = loop && *loop < FLIGHT_LIMIT ? *loop + 1 : 0;
	if (m->loop)
		switched_in(m, m->loop - 1, next, now);
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
	__u32 *loop = loop_index_of(task->pid);
	struct loop_state *s = loop ? armed_state(*loop) : 0;
	if (!s || s->where != BLOCKED)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	__u32 cpu = task->thread_info.cpu;
	struct cpu_memory *m = cpu_memory_of(cpu);
	if (s->in_wait) { /* only the last wake-up of a wait counts: an earlier one found nothing */
		s->wake_ns = now;
		s->stall.contender_count = 0;
		s->stall.runq_ns = s->stall.throttled_ns = 0;
	} else {
		block_ended(s, task, now - s->since_ns);
	}
	s->since_ns = s->charged_ns = now;
	s->queue_mark = task->sched_info.run_delay;
	s->task = (__u64)task;
	s->throttled = is_throttled(s);
	s->cpu = cpu;
	s->where = RUNNABLE;
	if (m)
		__sync_fetch_and_or(&m->waiting, 1ULL << (*loop & 63));
	return 0;
}

/* A runnable thread goes to another queue: who had the old CPU is charged up to now. */
SEC("tp_btf/sched_migrate_task")
int BPF_PROG(on_migrate, struct task_struct *task, int to)
{
	__u32 *loop = loop_index_of(task->pid);
	struct loop_state *s = loop ? armed_state(*loop) : 0;
	if (!s || s->where != RUNNABLE)
		return 0;
	struct cpu_memory *m = cpu_memory_of(s->cpu);
	if (m) {
		charge(s, m, bpf_ktime_get_ns());
		__sync_fetch_and_and(&m->waiting, ~(1ULL << (*loop & 63)));
	}
	s->cpu = to;
	m = cpu_memory_of(to);
	if (m)
		__sync_fetch_and_or(&m->waiting, 1ULL << (*loop & 63));
	return 0;
}
