/* SPDX-License-Identifier: Dual MIT/GPL */
/* A process that is watched, or may come to be, got a child, a thread or another program: user space looks who is there. */
#pragma once

#define MEMBER_LIMIT 4096

/* By pid: the processes that were named and all that came of them, kept by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MEMBER_LIMIT);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} members SEC(".maps");

static __always_inline void note_beginning(__u32 pid)
{
	struct control *c = get_control();
	if (c && bpf_map_lookup_elem(&members, &pid))
		__sync_fetch_and_add(&c->beginnings, 1);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	note_beginning(parent->tgid);
	return 0;
}
