/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * Tier 1: what a long cycle does while on the CPU, sampled by the cpu-clock of each watched thread; and the interrupts
 * that borrow its CPU. Samples are kept only once a cycle is older than half the budget.
 */
#pragma once

struct irq_memory { __u64 start_ns; __u32 depth; __u32 pad; };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct irq_memory);
} irq_memories SEC(".maps");

SEC("perf_event")
int on_sample(void *ctx)
{
	__u32 *loop = loop_index_of(bpf_get_current_pid_tgid());
	struct loop_state *s = loop ? bpf_map_lookup_elem(&states, loop) : 0;
	struct control *c = get_control();
	if (!s || !c || s->in_wait || !s->cycle_start_ns)
		return 0;
	struct task_struct *task = bpf_get_current_task_btf();
	struct stall_event *e = &s->stall;
	__s32 fd, call = call_in_flight(task, &fd);
	/* A kernel stack exists only if the sample hit the kernel; without one it hit the program itself. */
	__u32 slot = (e->user_samples + e->system_samples) & (SAMPLE_LIMIT - 1);
	struct sample *x = &e->samples[slot];
	__s64 bytes = bpf_get_stack(ctx, x->ip, sizeof(x->ip), 0);
	x->in_kernel = bytes > 0;
	x->call = call;
	if (bytes > 0) {
		e->system_samples++;
	} else {
		e->user_samples++;
		bytes = bpf_get_stack(ctx, x->ip, sizeof(x->ip), BPF_F_USER_STACK);
	}
	x->depth = bytes > 0 ? (__u64)bytes >> 3 : 0;
	if (e->sample_count < SAMPLE_LIMIT)
		e->sample_count++;
	(void)c;
	return 0;
}

static __always_inline int irq_begin(void)
{
	__u32 zero = 0;
	struct irq_memory *m = bpf_map_lookup_elem(&irq_memories, &zero);
	if (m && m->depth++ == 0)
		m->start_ns = bpf_ktime_get_ns();
	return 0;
}

static __always_inline int irq_end(void)
{
	__u32 zero = 0;
	struct irq_memory *m = bpf_map_lookup_elem(&irq_memories, &zero);
	if (!m || m->depth == 0 || --m->depth > 0) /* an exit whose entry came before the probes */
		return 0;
	__u32 *loop = loop_index_of(bpf_get_current_pid_tgid());
	struct loop_state *s = loop ? bpf_map_lookup_elem(&states, loop) : 0;
	if (s && s->where == RUNNING)
		s->stall.irq_ns += bpf_ktime_get_ns() - m->start_ns;
	return 0;
}

SEC("tp_btf/softirq_entry")
int BPF_PROG(on_softirq_entry, unsigned int vec) { return irq_begin(); }

SEC("tp_btf/softirq_exit")
int BPF_PROG(on_softirq_exit, unsigned int vec) { return irq_end(); }

SEC("tp_btf/irq_handler_entry")
int BPF_PROG(on_irq_entry, int irq, void *action) { return irq_begin(); }

SEC("tp_btf/irq_handler_exit")
int BPF_PROG(on_irq_exit, int irq, void *action, int ret) { return irq_end(); }
