/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * Copies of user stacks: the registers a thread entered the kernel with, and memory from its stack pointer upwards.
 * Taken in its own context, at the begin of a block and at CPU samples; sent only with a cycle that was over budget.
 *
 * Invariants
 *  K1  A loop's copies are written by its own thread alone. A waker only exchanges indices, while the thread is blocked.
 *  K2  block_stacks is a permutation: the last is where the next block is copied to, the others belong to blocks.
 *  K3  Nothing is copied or sent without credit, which user space grants by what unwinding may cost.
 */
#pragma once

#define STACK_BYTES 16384
#define PIECE_BYTES 4096
#define REGISTER_BYTES 272
/* The copies of blocks, of the block under way, of samples, and that of loop_state.newest. */
#define NEWEST_STACK (BLOCK_LIMIT + 1 + SAMPLE_LIMIT)
#define STACKS_PER_LOOP (NEWEST_STACK + 1)
/* More loops than this have no copies: they are accounted as ever. */
#define STACK_LOOP_LIMIT 32
/* Above the top of the main thread's stack: its first words, argc and argv, end a walk as well as nothing does. */
#define ABOVE_TOP_BYTES 64

/* Sent through the ring of stalls ahead of the stall it belongs to, as far as byte_count goes. */
struct user_stack {
	__u32 kind; /* STALL_STACK */
	__u32 loop_index;
	__u32 place; /* a block's index, or BLOCK_LIMIT and a sample's */
	__u32 byte_count;
	__u8 registers[REGISTER_BYTES]; /* struct pt_regs: 168 bytes on x86-64, 272 of those on arm64 */
	__u8 bytes[STACK_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STACK_LOOP_LIMIT * STACKS_PER_LOOP);
	__type(key, __u32);
	__type(value, struct user_stack);
} user_stacks SEC(".maps");

static __always_inline struct user_stack *stack_at(struct loop_state *s, __u32 index)
{
	__u32 key = (s->stack_slot - 1) * STACKS_PER_LOOP + index;
	return s->stack_slot && index < STACKS_PER_LOOP ? bpf_map_lookup_elem(&user_stacks, &key) : 0;
}

/* Page by page, so that one that is not in memory ends the copy rather than spoils it. */
static __noinline void copy_memory(struct user_stack *u, __u64 from, __u64 room)
{
	for (__u32 i = 0; i < STACK_BYTES / PIECE_BYTES; i++) {
		__u32 at = i * PIECE_BYTES;
		if (at >= room)
			return;
		__u64 want = room - at;
		if (want > PIECE_BYTES)
			want = PIECE_BYTES;
		if (bpf_probe_read_user(u->bytes + at, want, (void *)from + at)) {
			want = PIECE_BYTES - (from & (PIECE_BYTES - 1));
			if (!bpf_probe_read_user(u->bytes + at, want, (void *)from + at))
				u->byte_count = at + want;
			return;
		}
		u->byte_count = at + want;
	}
}

/* In the thread's own context. Whether there is a copy now. */
static __always_inline _Bool copy_user_stack(struct loop_state *s, __u32 index, struct task_struct *task)
{
	struct user_stack *u = stack_at(s, index);
	struct control *c = get_control();
	void *regs = (void *)bpf_task_pt_regs(task);
	struct pt_regs___x86 *x86 = regs;
	struct pt_regs___arm64 *arm64 = regs;
	__u64 from, room = STACK_BYTES;
	if (!u || !c || !c->stack_credit)
		return 0;
	u->byte_count = 0;
	if (bpf_core_field_exists(x86->orig_ax)) {
		bpf_probe_read_kernel(u->registers, 168, regs);
		from = BPF_CORE_READ(x86, sp);
	} else {
		bpf_probe_read_kernel(u->registers, REGISTER_BYTES, regs);
		from = BPF_CORE_READ(arm64, sp);
	}
	__u64 top = BPF_CORE_READ(task, mm, start_stack) + ABOVE_TOP_BYTES;
	if (top > from && top - from < room)
		room = top - from;
	copy_memory(u, from, room);
	return 1;
}

static __noinline void send_stack(struct control *c, struct user_stack *u, __u32 loop, __u32 place)
{
	__u64 size = __builtin_offsetof(struct user_stack, bytes) + u->byte_count;
	if (size > sizeof(*u))
		return;
	/* Stalls themselves come first: half of the ring is theirs alone. */
	if (!c->stack_credit ||
	    bpf_ringbuf_query(&stalls, BPF_RB_AVAIL_DATA) > bpf_ringbuf_query(&stalls, BPF_RB_RING_SIZE) / 2) {
		__sync_fetch_and_add(&c->stack_drops, 1);
		return;
	}
	u->kind = STALL_STACK;
	u->loop_index = loop;
	u->place = place;
	if (bpf_ringbuf_output(&stalls, u, size, 0))
		__sync_fetch_and_add(&c->stack_drops, 1);
	else
		__sync_fetch_and_sub(&c->stack_credit, 1);
}

/* The cycle was over budget: its copies go ahead of it. */
static __noinline void send_user_stacks(struct loop_state *s, struct control *c, __u32 loop)
{
	struct stall_event *e = &s->stall;
	for (__u32 i = 0; i < BLOCK_LIMIT && i < e->block_count; i++) {
		struct user_stack *u = stack_at(s, s->block_stacks[i]);
		if (u && e->blocks[i].copied)
			send_stack(c, u, loop, i);
	}
	for (__u32 i = 0; i < SAMPLE_LIMIT && i < e->sample_count; i++) {
		struct user_stack *u = stack_at(s, BLOCK_LIMIT + 1 + i);
		if (u && e->samples[i].copied)
			send_stack(c, u, loop, BLOCK_LIMIT + i);
	}
}

/* The stack that the thread blocked with is that of block i from now on. */
static __always_inline void keep_block_stack(struct loop_state *s, struct block *b, __u32 i)
{
	__u8 mine = s->block_stacks[BLOCK_LIMIT];
	b->copied = s->block_copied;
	if (!s->block_copied)
		return;
	s->block_stacks[BLOCK_LIMIT] = s->block_stacks[i & (BLOCK_LIMIT - 1)];
	s->block_stacks[i & (BLOCK_LIMIT - 1)] = mine;
}
