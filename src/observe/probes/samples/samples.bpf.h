/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * Tier 1: what a long cycle does while on the CPU, sampled by the cpu-clock of each watched thread; and the interrupts
 * that borrow its CPU. Every sample counts for user against system; stacks are kept once the work is half-way to its
 * budget. A soft interrupt run at the end of the thread's own send counts as interrupt, too.
 */
#pragma once

/* A copy so often is of no weight, and fresh enough for eyes. */
#define NEWEST_EVERY_NS 25000000

static __always_inline void fill_sample(void *ctx, struct loop_state *s, struct sample *x, struct task_struct *task,
					_Bool in_kernel, __u32 place, _Bool copy)
{
	__s32 fd;
	__s64 bytes = 0;
	x->call = call_in_flight(task, &fd);
	x->in_kernel = in_kernel;
	x->copied = copy && copy_user_stack(s, place, task);
	if (in_kernel)
		bytes = bpf_get_stack(ctx, x->ip, sizeof(x->ip), 0);
	else if (copy && !x->copied)
		bytes = bpf_get_stack(ctx, x->ip, sizeof(x->ip), BPF_F_USER_STACK);
	x->depth = bytes > 0 ? (__u64)bytes >> 3 : 0;
}

/*
 * Where a turn that goes on is by now, also one that began before the probes were armed. User space reads it without a
 * lock, and believes it when newest_ns was the same before and after.
 */
static __always_inline void keep_newest(void *ctx, struct loop_state *s, struct task_struct *task, _Bool in_kernel,
					__u64 now)
{
	if (s->newest_ns > s->segment_start_ns && now - s->newest_ns < NEWEST_EVERY_NS)
		return;
	s->newest_ns = 0;
	asm volatile("" ::: "memory");
	fill_sample(ctx, s, &s->newest, task, in_kernel, NEWEST_STACK, 1);
	asm volatile("" ::: "memory");
	s->newest_ns = now;
}

SEC("perf_event")
int on_sample(void *ctx)
{
	__u32 *loop = loop_index_of(bpf_get_current_pid_tgid());
	__u32 index = loop ? *loop : LOOP_LIMIT;
	struct loop_state *s = bpf_map_lookup_elem(&states, &index);
	struct cpu_memory *m = this_cpu();
	struct control *c = get_control();
	if (!s || !m || !c || !c->armed || s->in_wait || m->in_irq || !s->segment_start_ns)
		return 0;
	struct stall_event *e = &s->stall;
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 now = bpf_ktime_get_ns(), innermost;
	/* A kernel stack exists only if the sample hit the kernel; without one it hit the program itself. */
	_Bool in_kernel = bpf_get_stack(ctx, &innermost, sizeof(innermost), 0) > 0;
	_Bool late = now - s->segment_start_ns > c->budget_ns / 2;
	if (late)
		keep_newest(ctx, s, task, in_kernel, now);
	if (s->armed_at_start != c->armed)
		return 0;
	resync(s, m, task, index, now);
	__u32 seen = e->user_samples + e->system_samples;
	if (in_kernel)
		e->system_samples++;
	else
		e->user_samples++;
	/*
	 * Once the turn is half-way to its budget, each sample has the same chance to be among those kept, with its stacks.
	 * Those before are kept only until then, in case none comes: most turns end before.
	 */
	__u32 place = seen & (SAMPLE_LIMIT - 1), before = late ? s->late_samples++ : seen;
	if (late)
		place = before < SAMPLE_LIMIT ? before : bpf_get_prandom_u32() % (before + 1);
	if (place >= SAMPLE_LIMIT)
		return 0;
	if (before < SAMPLE_LIMIT)
		e->sample_count = before + 1;
	fill_sample(ctx, s, &e->samples[place], task, in_kernel, BLOCK_LIMIT + 1 + place, late);
	return 0;
}

/* Twice for each soft interrupt of the machine: one look-up and one reading of the clock, no more. */
static __always_inline struct cpu_memory *irq_memory(void)
{
	__u32 cpu = bpf_get_smp_processor_id();
	return bpf_map_lookup_elem(&cpu_memories, &cpu);
}

/* One that is to be timed, of a watched thread's CPU. */
static __always_inline __u64 begin_irq(struct cpu_memory *m)
{
	m->irq_steal_ns = steal_of(bpf_get_current_task_btf());
	return bpf_ktime_get_ns();
}

/* What the hypervisor took meanwhile is not the interrupt's. */
static __always_inline void end_irq(struct cpu_memory *m, __u64 since_ns)
{
	__u64 elapsed = bpf_ktime_get_ns() - since_ns, steal = steal_of(bpf_get_current_task_btf()) - m->irq_steal_ns;
	if (steal < elapsed)
		m->irq_ns += elapsed - steal;
}

SEC("tp_btf/softirq_entry")
int BPF_PROG(on_softirq_entry, unsigned int vec)
{
	struct cpu_memory *m = irq_memory();
	if (!m)
		return 0;
	m->in_irq |= 2;
	m->soft_irqs++;
	m->soft_ns = m->loop ? begin_irq(m) : 0;
	return 0;
}

SEC("tp_btf/softirq_exit")
int BPF_PROG(on_softirq_exit, unsigned int vec)
{
	struct cpu_memory *m = irq_memory();
	if (!m)
		return 0;
	m->in_irq &= ~2u;
	if (m->soft_ns)
		end_irq(m, m->soft_ns);
	m->soft_ns = 0;
	return 0;
}

SEC("tp_btf/irq_handler_entry")
int BPF_PROG(on_irq_entry, int irq, void *action)
{
	struct cpu_memory *m = irq_memory();
	if (!m)
		return 0;
	m->in_irq |= 1;
	/* Inside a soft interrupt its time is counted already. */
	m->hard_ns = m->loop && !m->soft_ns ? begin_irq(m) : 0;
	return 0;
}

SEC("tp_btf/irq_handler_exit")
int BPF_PROG(on_irq_exit, int irq, void *action, int ret)
{
	struct cpu_memory *m = irq_memory();
	if (!m)
		return 0;
	m->in_irq &= ~1u;
	if (m->hard_ns)
		end_irq(m, m->hard_ns);
	m->hard_ns = 0;
	return 0;
}
