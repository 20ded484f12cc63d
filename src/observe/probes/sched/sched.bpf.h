/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * Tier 1, armed on suspicion: where a watched thread is when it is not on the CPU, and who is there instead.
 * Each CPU remembers who ran last on it; when a watched thread at last runs, the memory says whom it waited for.
 */
#pragma once

#define SLICE_COUNT 32
#define SLICE_MASK (SLICE_COUNT - 1)

struct slice { __u32 pid; __u32 kernel_thread; __u64 start_ns; __u64 end_ns; char comm[COMM_BYTES]; };
struct cpu_memory { __u64 since_ns; __u32 next; __u32 armed; struct slice slices[SLICE_COUNT]; };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_memory);
} cpu_memories SEC(".maps");

/* The call a task is in, from the registers it entered the kernel with; CALL_PAGE_FAULT when it is in none. */
struct pt_regs___x86 { unsigned long di; unsigned long orig_ax; } __attribute__((preserve_access_index));
struct pt_regs___arm64 { __u64 orig_x0; __s32 syscallno; } __attribute__((preserve_access_index));

static __always_inline __s32 call_in_flight(struct task_struct *task, __s32 *fd)
{
	void *regs = (void *)bpf_task_pt_regs(task);
	struct pt_regs___x86 *x86 = regs;
	struct pt_regs___arm64 *arm64 = regs;
	if (bpf_core_field_exists(x86->orig_ax)) {
		*fd = BPF_CORE_READ(x86, di);
		return BPF_CORE_READ(x86, orig_ax);
	}
	*fd = BPF_CORE_READ(arm64, orig_x0);
	return BPF_CORE_READ(arm64, syscallno);
}

/* Names of a descriptor's file and the two folders above it. Empty when it is not an open file. */
static __always_inline void name_file(struct task_struct *task, __s32 fd, struct block *b)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = 0;
	b->names[0][0] = b->names[1][0] = b->names[2][0] = 0;
	if (fd < 0 || fd >= BPF_CORE_READ(table, max_fds) || bpf_probe_read_kernel(&file, sizeof(file), files + fd) || !file)
		return;
	struct dentry *d = BPF_CORE_READ(file, f_path.dentry);
	for (int i = 0; i < 3 && d; i++) {
		bpf_probe_read_kernel_str(b->names[i], NAME_BYTES, BPF_CORE_READ(d, d_name.name));
		struct dentry *parent = BPF_CORE_READ(d, d_parent);
		if (parent == d)
			break;
		d = parent;
	}
}

static __always_inline void charge(struct stall_event *e, struct slice *slice, __u64 ns)
{
	int free = -1;
	for (int i = 0; i < CONTENDER_LIMIT; i++) {
		if (i >= e->contender_count) {
			free = i;
			break;
		}
		if (e->contenders[i].pid == slice->pid) {
			e->contenders[i].ns += ns;
			return;
		}
	}
	if (free < 0 || free >= CONTENDER_LIMIT) {
		e->runq_unseen_ns += ns;
		return;
	}
	struct contender *x = &e->contenders[free];
	x->pid = slice->pid;
	x->kernel_thread = slice->kernel_thread;
	x->ns = ns;
	__builtin_memcpy(x->comm, slice->comm, COMM_BYTES);
	e->contender_count = free + 1;
}

/* The watched thread runs again: charge [from, now] to those who ran on this CPU meanwhile. */
static __always_inline void charge_run_queue(struct stall_event *e, struct cpu_memory *m, __u64 from, __u64 now)
{
	__u64 left = now - from;
	e->runq_ns += left;
	for (__u32 i = 1; i <= SLICE_COUNT; i++) {
		struct slice *slice = &m->slices[(m->next - i) & SLICE_MASK];
		if (slice->end_ns <= from || !slice->end_ns)
			break;
		__u64 start = slice->start_ns > from ? slice->start_ns : from;
		__u64 ns = slice->end_ns - start;
		if (ns > left)
			ns = left;
		charge(e, slice, ns);
		left -= ns;
	}
	e->runq_unseen_ns += left;
}

static __always_inline void switched_out(void *ctx, struct loop_state *s, struct task_struct *prev, __u32 state, __u64 now)
{
	if (s->where == RUNNING)
		s->stall.on_cpu_ns += now - s->since_ns;
	s->since_ns = now;
	if ((state & 0xff) == 0) { /* R, or R+ of a preempted or throttled task */
		s->where = RUNNABLE;
		return;
	}
	s->where = BLOCKED;
	if (s->in_wait)
		return;
	struct stall_event *e = &s->stall;
	__s32 fd, call = call_in_flight(prev, &fd);
	__u32 i;
	for (i = 0; i < BLOCK_LIMIT - 1; i++)
		if (i >= e->block_count || (e->blocks[i].call == call && e->blocks[i].fd == fd))
			break;
	struct block *b = &e->blocks[i & (BLOCK_LIMIT - 1)];
	s->block_slot = i;
	if (i >= e->block_count) {
		e->block_count = i + 1;
		b->call = call;
		b->fd = fd;
		b->count = b->uninterruptible = b->depth = b->waker_pid = 0;
		b->ns = b->longest_ns = 0;
		name_file(prev, fd, b);
		int bytes = bpf_get_stack(ctx, b->stack, sizeof(b->stack), 0);
		b->depth = bytes > 0 ? (__u64)bytes >> 3 : 0;
	}
	b->count++;
	if (state & 2) /* TASK_UNINTERRUPTIBLE */
		b->uninterruptible = 1;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, _Bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	__u32 zero = 0;
	__u64 now = bpf_ktime_get_ns();
	struct cpu_memory *m = bpf_map_lookup_elem(&cpu_memories, &zero);
	struct control *c = get_control();
	if (!m || !c)
		return 0;
	if (m->armed != c->armed) { /* first switch on this CPU since arming: when prev came here is not known */
		m->armed = c->armed;
		m->since_ns = now;
	} else {
		struct slice *slice = &m->slices[m->next++ & SLICE_MASK];
		slice->pid = prev->tgid;
		slice->kernel_thread = !!(prev->flags & PF_KTHREAD);
		slice->start_ns = m->since_ns;
		slice->end_ns = now;
		bpf_probe_read_kernel(slice->comm, COMM_BYTES, prev->comm);
		m->since_ns = now;
	}
	__u32 *loop = loop_index_of(prev->pid);
	struct loop_state *s = loop ? bpf_map_lookup_elem(&states, loop) : 0;
	if (s)
		switched_out(ctx, s, prev, preempt ? 0 : prev_state, now);
	loop = loop_index_of(next->pid);
	s = loop ? bpf_map_lookup_elem(&states, loop) : 0;
	if (s) {
		if (s->where == RUNNABLE)
			charge_run_queue(&s->stall, m, s->since_ns, now);
		s->where = RUNNING;
		s->since_ns = now;
	}
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
	__u32 *loop = loop_index_of(task->pid);
	struct loop_state *s = loop ? bpf_map_lookup_elem(&states, loop) : 0;
	if (!s || s->where != BLOCKED)
		return 0;
	__u64 now = bpf_ktime_get_ns(), ns = now - s->since_ns;
	if (!s->in_wait) {
		struct block *b = &s->stall.blocks[s->block_slot & (BLOCK_LIMIT - 1)];
		b->ns += ns;
		if (ns >= b->longest_ns) {
			b->longest_ns = ns;
			b->waker_pid = bpf_get_current_pid_tgid() >> 32;
			bpf_get_current_comm(b->waker_comm, COMM_BYTES);
		}
	}
	s->where = RUNNABLE;
	s->since_ns = now;
	return 0;
}
