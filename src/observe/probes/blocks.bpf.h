/* SPDX-License-Identifier: Dual MIT/GPL */
/* Blocks: the calls that a watched thread slept in while it worked, with what is known of each. */
#pragma once

/* The call a task is in, from the registers it entered the kernel with; CALL_PAGE_FAULT when it is in none. */
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

/* What a descriptor is: a file's name and the folders above it, or a socket's peer. Empty when it is not open. */
static __always_inline void describe(struct task_struct *task, struct block *b)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = 0;
	__u32 fd = b->fd;
	b->names[0][0] = b->names[1][0] = b->names[2][0] = 0;
	b->family = 0;
	if (fd >= BPF_CORE_READ(table, max_fds) || bpf_probe_read_kernel(&file, sizeof(file), files + fd) || !file)
		return;
	struct dentry *d = BPF_CORE_READ(file, f_path.dentry);
	for (int i = 0; i < 3 && d; i++) {
		bpf_probe_read_kernel_str(b->names[i], NAME_BYTES, BPF_CORE_READ(d, d_name.name));
		struct dentry *parent = BPF_CORE_READ(d, d_parent);
		if (parent == d)
			break;
		d = parent;
	}
	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	b->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	b->port_be = BPF_CORE_READ(sk, __sk_common.skc_dport);
	if (b->family == AF_INET)
		BPF_CORE_READ_INTO((__u32 *)b->address, sk, __sk_common.skc_daddr);
	else if (b->family == AF_INET6)
		BPF_CORE_READ_INTO((address16 *)b->address, sk, __sk_common.skc_v6_daddr);
}

/* The thread was blocked for ns: adds it to what is known of that call. Null when there is no place for it. */
static __always_inline struct block *count_block(struct loop_state *s, __u64 ns, __u32 *place)
{
	struct stall_event *e = &s->stall;
	struct block *b = 0;
	if (s->dirty_mark) {
		e->dirty_ns += ns;
		s->dirty_mark = 0;
	}
	for (int i = 0; i < BLOCK_LIMIT; i++) {
		struct block *x = &e->blocks[i];
		*place = i;
		if (i >= e->block_count) {
			e->block_count = i + 1;
			x->call = s->block_call;
			x->fd = s->block_fd;
			x->count = x->uninterruptible = x->depth = x->waker_pid = x->family = x->copied = 0;
			x->ns = x->longest_ns = 0;
			x->names[0][0] = 0;
			b = x;
			break;
		}
		if (x->call == s->block_call && x->fd == s->block_fd) {
			b = x;
			break;
		}
	}
	if (!b) {
		e->blocked_other_ns += ns;
		return 0;
	}
	b->ns += ns;
	b->count++;
	b->uninterruptible |= s->block_uninterruptible;
	if (ns <= b->longest_ns)
		return 0;
	b->longest_ns = ns;
	return b;
}

/*
 * In the thread's own context: a wake-up went unseen, because it came in an interrupt upon the program that sees them, which
 * the kernel does not run within itself. The task's own count of time in run queues tells when it was.
 */
static __noinline void settle_unseen(struct loop_state *s, struct task_struct *task)
{
	__u64 unseen = s->unseen_ns, queued = task->sched_info.run_delay - s->queue_mark;
	__u32 place = 0;
	if (!unseen)
		return;
	s->unseen_ns = 0;
	if (queued > unseen)
		queued = unseen;
	s->stall.runq_ns += queued;
	struct block *b = count_block(s, unseen - queued, &place);
	if (!b)
		return;
	b->waker_pid = b->depth = 0;
	keep_block_stack(s, b, place);
	describe(task, b);
}
