/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * What each CPU is doing, and whose time is lost meanwhile. A watched thread that waits for a CPU is a bit in that CPU's
 * `waiting`; whenever the CPU changes hands, whoever had it is charged to all who waited. Nothing is remembered, so
 * nothing can be forgotten, however long the wait or short the slices.
 *
 * Invariants
 *  C1  `waiting` has bit i exactly while loop i is RUNNABLE in this CPU's queue.
 *  C2  A loop's account has one writer at a time: RUNNING its own thread, RUNNABLE the CPU whose queue it is in,
 *      BLOCKED whoever wakes it.
 */
#pragma once

#define CPU_LIMIT 1024

struct cpu_memory {
	__u64 since_ns; /* since when the present task has the CPU; 0: not known */
	__u32 pid;
	__u32 kernel_thread;
	char comm[COMM_BYTES];
	__u64 waiting;
	__u32 armed; /* the arming that all this belongs to */
	__u32 loop; /* 1 + index of the present task when it is watched, else 0 */
	__u32 in_irq; /* bit 0 hard, bit 1 soft */
	__u32 soft_irqs; /* how many so far: user space gives these probes up when they are too many */
	__u64 hard_ns, soft_ns; /* since when it is in an interrupt */
	__u64 irq_steal_ns; /* its steal time then */
	__u64 irq_ns; /* all time in interrupts so far, without steal, never reset: readers take differences */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CPU_LIMIT);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct cpu_memory);
} cpu_memories SEC(".maps");

/* A CPU's memory, emptied when it is of an earlier arming. */
static __always_inline struct cpu_memory *cpu_memory_of(__u32 cpu)
{
	struct cpu_memory *m = bpf_map_lookup_elem(&cpu_memories, &cpu);
	struct control *c = get_control();
	if (m && c && m->armed != c->armed) {
		m->since_ns = m->waiting = m->hard_ns = m->soft_ns = 0;
		m->loop = m->in_irq = 0;
		m->armed = c->armed;
	}
	return m;
}

static __always_inline struct cpu_memory *this_cpu(void)
{
	return cpu_memory_of(bpf_get_smp_processor_id());
}

/* The state of a loop whose present account began under the present arming. */
static __always_inline struct loop_state *armed_state(__u32 index)
{
	struct loop_state *s = bpf_map_lookup_elem(&states, &index);
	struct control *c = get_control();
	return s && c && c->armed && s->armed_at_start == c->armed ? s : 0;
}

/* In the thread's own context: a new account begins, of a wait or of a segment of work. */
static __always_inline void begin_account(struct loop_state *s, struct control *c, __u32 index, __u64 now)
{
	struct stall_event *e = &s->stall;
	__u32 armed = index < FLIGHT_LIMIT ? c->armed : 0;
	if (!(armed | s->armed_at_start)) /* nothing was noted since the last account, and nothing will be */
		return;
	e->on_cpu_ns = e->irq_ns = e->steal_ns = e->runq_ns = e->throttled_ns = e->blocked_other_ns = 0;
	e->user_samples = e->system_samples = s->late_samples = 0;
	e->reclaim_ns = e->dirty_ns = s->reclaim_mark = s->dirty_mark = 0;
	/* Only the counts are cleared: what they do not cover is not read. */
	e->contender_count = e->block_count = e->sample_count = 0;
	s->armed_at_start = armed;
	s->where = RUNNING;
	s->since_ns = now;
	s->wake_ns = s->wake_delay_ns = s->unseen_ns = 0;
	if (!armed)
		return;
	s->steal_mark = steal_of(bpf_get_current_task_btf());
	struct cpu_memory *m = this_cpu();
	if (!m)
		return;
	s->irq_mark = m->irq_ns;
	m->loop = index + 1;
}

/* The thread leaves the CPU, or its account ends while it has it. */
static __always_inline void close_run(struct loop_state *s, struct cpu_memory *m, struct task_struct *task, __u64 now)
{
	__u64 steal = steal_of(task);
	if (s->where != RUNNING || !m)
		return;
	settle_unseen(s, task);
	if (now > s->since_ns)
		s->stall.on_cpu_ns += now - s->since_ns;
	if (steal > s->steal_mark)
		s->stall.steal_ns += steal - s->steal_mark;
	s->stall.irq_ns += m->irq_ns - s->irq_mark;
	s->irq_mark = m->irq_ns;
	s->steal_mark = steal;
	s->since_ns = now;
}

/*
 * In the thread's own context: it has this CPU, whatever was seen. A switch can go unseen (a guest's kernel was met that
 * shows none away from its init); the time since the last that was seen is then split by the task's own count of time in
 * run queues.
 */
static __always_inline void resync(struct loop_state *s, struct cpu_memory *m, struct task_struct *task, __u32 index,
				   __u64 now)
{
	if (s->where == RUNNING || !m || now < s->since_ns)
		return;
	__u64 elapsed = now - s->since_ns, queued = task->sched_info.run_delay - s->queue_mark;
	if (s->where == BLOCKED) {
		s->stall.blocked_other_ns += elapsed;
	} else {
		if (queued > elapsed)
			queued = elapsed;
		s->stall.runq_ns += queued;
		s->stall.on_cpu_ns += elapsed - queued;
	}
	s->where = RUNNING;
	s->since_ns = now;
	s->steal_mark = steal_of(task);
	s->irq_mark = m->irq_ns;
	m->loop = index + 1;
}

/* Whether a runnable thread may not run at present, whoever else does, because its cgroup is out of quota. */
static __always_inline _Bool is_throttled(struct loop_state *s)
{
	struct task_struct *task = (struct task_struct *)s->task;
	struct task_struct___throttled *own = (void *)task;
	struct cfs_rq___bandwidth *queue;
	if (bpf_core_field_exists(own->throttled))
		return BPF_CORE_READ(own, throttled);
	queue = (void *)BPF_CORE_READ(task, se.cfs_rq);
	if (bpf_core_field_exists(queue->throttle_count))
		return BPF_CORE_READ(queue, throttle_count) > 0;
	return 0;
}

/*
 * Charges a runnable thread's time since the last charge to who has had its CPU since then. A function of its own: the
 * kernel verifies it once, and not for each of those that may wait.
 */
__noinline int charge(struct loop_state *s, struct cpu_memory *m, __u64 now)
{
	if (!s || !m)
		return 0;
	struct stall_event *e = &s->stall;
	__u64 from = s->charged_ns;
	_Bool throttled = s->throttled;
	s->charged_ns = now;
	s->throttled = is_throttled(s);
	if (!m->since_ns || now <= from)
		return 0;
	if (throttled) {
		e->throttled_ns += now - from;
		return 0;
	}
	__u32 place = 0;
	__u64 fewest = ~0ULL;
	for (__u32 i = 0; i < CONTENDER_LIMIT; i++) {
		struct contender *x = &e->contenders[i];
		if (i >= e->contender_count) {
			e->contender_count = i + 1;
			place = i;
			fewest = 0;
			break;
		}
		if (x->pid == m->pid) {
			x->ns += now - from;
			return 0;
		}
		if (x->ns < fewest) {
			fewest = x->ns;
			place = i;
		}
	}
	/* A free place, or that of who took the least, whose time is without a name then. */
	if (now - from <= fewest)
		return 0;
	asm volatile("" : "+r"(place)); /* keeps the check that the verifier needs */
	struct contender *x = &e->contenders[place & (CONTENDER_LIMIT - 1)];
	x->pid = m->pid;
	x->kernel_thread = m->kernel_thread;
	x->ns = now - from;
	__builtin_memcpy(x->comm, m->comm, COMM_BYTES);
	return 0;
}
