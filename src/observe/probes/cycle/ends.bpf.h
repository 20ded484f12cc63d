/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * The end of a watched thread, or of the program that it ran: at that moment its number stops being a watched loop's. It
 * may be another's before user space looks again.
 */
#pragma once

static __always_inline void forget(__u32 tid)
{
	__u32 at = tid & (SEAT_LIMIT - 1), *loop = loop_index_of(tid);
	if (!loop)
		return;
	__u32 index = *loop;
	struct seat *seat = bpf_map_lookup_elem(&seats, &at);
	struct loop_state *s = bpf_map_lookup_elem(&states, &index);
	struct cpu_memory *m = this_cpu();
	struct control *c = get_control();
	if (seat && seat->tid == tid)
		seat->tid = 0;
	bpf_map_delete_elem(&loop_of_tid, &tid);
	/* What it was in the middle of is not going on. */
	if (s)
		s->in_wait = s->segment_start_ns = s->cycle_start_ns = 0;
	if (m && m->loop == index + 1)
		m->loop = 0;
	if (c)
		__sync_fetch_and_add(&c->endings, 1);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_thread_end, struct task_struct *task)
{
	forget(task->pid);
	return 0;
}

/* execve(2) by another thread than the first gives it the first one's number. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid)
{
	forget(task->pid);
	forget(old_pid);
	note_beginning(task->tgid);
	return 0;
}
