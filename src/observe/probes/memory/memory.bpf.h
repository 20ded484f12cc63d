/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * Tier 1: memory that a turn had to wait for. Plain tracepoints, attached where the kernel has them; no argument is read,
 * because those of balance_dirty_pages differ between kernels.
 */
#pragma once

static __always_inline struct loop_state *own_armed_state(void)
{
	__u32 *loop = loop_index_of(bpf_get_current_pid_tgid());
	return loop ? armed_state(*loop) : 0;
}

/* The thread wrote faster than the disk takes it, and is about to be put to sleep. Whether it is, its next block tells. */
SEC("tracepoint/writeback/balance_dirty_pages")
int on_dirty_pages(void *ctx)
{
	struct loop_state *s = own_armed_state();
	if (s)
		s->dirty_mark = bpf_ktime_get_ns();
	return 0;
}

/* Its own allocation has to free memory first: for the machine or for its cgroup. */
SEC("tracepoint/vmscan/mm_vmscan_direct_reclaim_begin")
int on_reclaim_begin(void *ctx)
{
	struct loop_state *s = own_armed_state();
	if (s)
		s->reclaim_mark = bpf_ktime_get_ns();
	return 0;
}

SEC("tracepoint/vmscan/mm_vmscan_direct_reclaim_end")
int on_reclaim_end(void *ctx)
{
	struct loop_state *s = own_armed_state();
	if (!s || !s->reclaim_mark)
		return 0;
	s->stall.reclaim_ns += bpf_ktime_get_ns() - s->reclaim_mark;
	s->reclaim_mark = 0;
	return 0;
}
