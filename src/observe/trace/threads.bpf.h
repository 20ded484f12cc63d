/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * Which threads are traced: those that user space listed, and from then on every thread and, with `follow`, every process
 * that one of them starts. Whoever includes this has defined `struct thread`, which begins with `struct task_part`.
 *
 * A thread that has ended keeps its row, so that what it did is still reported. Who has its number next is another, unless
 * a traced thread started it, too.
 */
#pragma once

#define THREAD_LIMIT 8192
#define COMM_BYTES 16

struct control {
	__u32 on; /* events count: set by user space when everything is attached, cleared before the maps are read */
	__u32 follow;
	__u32 any; /* no list: every thread that comes by is traced */
	__u32 births; /* processes started by traced ones */
	__u64 start_ns; /* when `on` was set */
	__u64 threads_lost; /* found no place in `threads` */
	__u64 rows_lost; /* found no place in another map */
	__u64 lost_ns; /* time that went with those rows */
	__u64 unseen; /* switches that must have been, and were not seen */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, THREAD_LIMIT);
	__type(key, __u32);
	__type(value, struct thread);
} threads SEC(".maps");

/* Never written: what a new row is copied from, as it is larger than the stack of a program. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct thread);
} blank SEC(".maps");

static __always_inline struct control *get_control(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&control, &zero);
}

static __always_inline struct thread *thread_of(__u32 tid)
{
	struct thread *t = tid ? bpf_map_lookup_elem(&threads, &tid) : 0;
	return t && t->task.ended != ANOTHERS ? t : 0;
}

static __always_inline struct thread *add_thread(struct control *c, struct task_struct *task)
{
	__u32 tid = task->pid, zero = 0;
	struct thread *t, *empty = bpf_map_lookup_elem(&blank, &zero);
	if (!empty)
		return 0;
	bpf_map_update_elem(&threads, &tid, empty, BPF_NOEXIST);
	t = bpf_map_lookup_elem(&threads, &tid);
	if (!t) {
		__sync_fetch_and_add(&c->threads_lost, 1);
		return 0;
	}
	t->task.tgid = task->tgid;
	t->task.ended = 0; /* the number was used before */
	t->task.off_since_ns = 0;
	__builtin_memcpy(t->task.comm, task->comm, COMM_BYTES);
	return t;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct control *c = get_control();
	struct thread *t;
	if (!c)
		return 0;
	if (!thread_of(parent->pid) || (parent->tgid != child->tgid && !c->follow)) {
		t = thread_of(child->pid);
		if (t)
			t->task.ended = ANOTHERS;
		return 0;
	}
	t = add_thread(c, child);
	if (t)
		t->task.fresh = 1;
	if (parent->tgid != child->tgid)
		__sync_fetch_and_add(&c->births, 1);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_end, struct task_struct *task)
{
	struct thread *t = thread_of(task->pid);
	if (!t)
		return 0;
	t->task.ended = ENDED;
	__builtin_memcpy(t->task.comm, task->comm, COMM_BYTES);
	return 0;
}
