/* SPDX-License-Identifier: Dual MIT/GPL */
/* The stack of calls that each thread is in. */
#pragma once

static __always_inline __u64 stack_pointer_of(void *ctx)
{
	struct pt_regs___x86 *x86 = ctx;
	struct pt_regs___arm64 *arm64 = ctx;
	if (bpf_core_field_exists(x86->orig_ax))
		return BPF_CORE_READ(x86, sp);
	return BPF_CORE_READ(arm64, sp);
}

/* On return x86-64 has popped the return address. */
static __always_inline __u64 stack_pointer_at_entry(void *ctx)
{
	struct pt_regs___x86 *x86 = ctx;
	return stack_pointer_of(ctx) - (bpf_core_field_exists(x86->orig_ax) ? 8 : 0);
}

/* Jumped to by a function whose return is hooked: the return address is the trampoline at the start of its page. */
static __always_inline _Bool is_tail_call(void *ctx, __u64 sp)
{
	struct pt_regs___x86 *x86 = ctx;
	struct pt_regs___arm64 *arm64 = ctx;
	__u64 address = 1;
	if (bpf_core_field_exists(x86->orig_ax))
		bpf_probe_read_user(&address, sizeof(address), (void *)sp);
	else
		address = BPF_CORE_READ(arm64, regs[30]);
	return (address & 4095) == 0;
}

static __always_inline void count_abandoned(__u32 function)
{
	struct function_stats *s = bpf_map_lookup_elem(&stats, &function);
	if (s)
		__sync_fetch_and_add(&s->abandoned, 1);
}

/* Drops the frames that were left without a return (F1); how many are open then. */
static __always_inline __u32 drop_frames(struct thread *t, __u64 sp, _Bool tail_call)
{
	__u32 depth = t->depth;
	for (int i = 0; i < FRAME_LIMIT; i++) {
		if (!depth || depth > FRAME_LIMIT)
			break;
		struct frame *f = &t->frames[(depth - 1) & (FRAME_LIMIT - 1)];
		if (f->stack_pointer > sp || (f->stack_pointer == sp && tail_call))
			break;
		count_abandoned(f->function);
		depth--;
	}
	t->depth = depth;
	return depth;
}

static __always_inline _Bool is_open(struct thread *t, __u32 depth, __u32 function)
{
	for (int i = 0; i < FRAME_LIMIT; i++) {
		if (i >= depth)
			break;
		if (t->frames[i].function == function)
			return 1;
	}
	return 0;
}

/* Leaves the returning call's frame on top of the stack, with what was called from it and never returned dropped. */
static __always_inline _Bool find_frame(struct thread *t, __u32 function, __u64 sp)
{
	__u32 depth = t->depth;
	for (int i = 0; i < FRAME_LIMIT; i++) {
		if (!depth || depth > FRAME_LIMIT)
			break;
		struct frame *f = &t->frames[(depth - 1) & (FRAME_LIMIT - 1)];
		if (f->stack_pointer == sp && f->function == function) {
			t->depth = depth;
			return 1;
		}
		if (f->stack_pointer >= sp)
			break;
		count_abandoned(f->function);
		depth--;
	}
	t->depth = depth;
	return 0;
}

static __always_inline void count_in(__u32 *histogram, __u64 value)
{
	__u32 bucket = bucket_of(value);
	asm volatile("" : "+r"(bucket)); /* keeps the check below, which the verifier needs */
	if (bucket < BUCKET_COUNT)
		__sync_fetch_and_add(&histogram[bucket], 1);
}

static __always_inline void count_edge(struct control *c, __u32 caller, __u32 function, __u64 ns)
{
	__u32 key = caller << 16 | function;
	struct edge first = { 1, ns }, *e = bpf_map_lookup_elem(&edges, &key);
	if (!e && !bpf_map_update_elem(&edges, &key, &first, BPF_NOEXIST))
		return;
	if (!e) /* another CPU was faster */
		e = bpf_map_lookup_elem(&edges, &key);
	if (!e) {
		__sync_fetch_and_add(&c->rows_lost, 1);
		return;
	}
	__sync_fetch_and_add(&e->calls, 1);
	__sync_fetch_and_add(&e->ns, ns);
}

/* The frame on top is done. */
static __always_inline void close_frame(struct control *c, struct function_stats *s, struct thread *t, __u32 function,
					__u64 now)
{
	__u32 depth = t->depth, caller = NO_CALLER;
	struct frame *f = &t->frames[(depth - 1) & (FRAME_LIMIT - 1)];
	__u64 ns = now - f->start_ns, off = t->task.off_ns - f->start_off_ns;
	__u64 own_ns = ns > f->child_ns ? ns - f->child_ns : 0;
	__u64 own_off = off > f->child_off_ns ? off - f->child_off_ns : 0;
	t->depth = depth - 1;
	__sync_fetch_and_add(&s->returns, 1);
	__sync_fetch_and_add(&s->ns, ns);
	__sync_fetch_and_add(&s->off_ns, off);
	__sync_fetch_and_add(&s->exclusive_ns, own_ns);
	__sync_fetch_and_add(&s->exclusive_off_ns, own_off);
	if (f->recursive) {
		__sync_fetch_and_add(&s->recursive, 1);
	} else {
		__sync_fetch_and_add(&s->inclusive_ns, ns);
		__sync_fetch_and_add(&s->inclusive_off_ns, off);
	}
	if (ns > s->max_ns)
		s->max_ns = ns;
	count_in(s->hist, ns);
	count_in(s->exclusive_hist, own_ns);
	if (depth > 1) {
		struct frame *outer = &t->frames[(depth - 2) & (FRAME_LIMIT - 1)];
		outer->child_ns += ns;
		outer->child_off_ns += off;
		caller = outer->function;
	}
	count_edge(c, caller, function, ns);
}
