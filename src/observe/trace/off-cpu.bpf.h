/* SPDX-License-Identifier: Dual MIT/GPL */
/* How long a traced thread was off the CPU, so that the time of a call divides into running and waiting. */
#pragma once

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, _Bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct thread *t = thread_of(prev->pid);
	if (t)
		t->task.off_since_ns = bpf_ktime_get_ns();
	t = thread_of(next->pid);
	if (t && t->task.off_since_ns) {
		t->task.off_ns += bpf_ktime_get_ns() - t->task.off_since_ns;
		t->task.off_since_ns = 0;
	}
	return 0;
}
