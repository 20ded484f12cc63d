/* SPDX-License-Identifier: Dual MIT/GPL */
/* What a wait call asked for, by the call's own conventions, and how late the kernel may legally end it. */
#pragma once

struct sys_exit_args { __u64 common; __s64 nr; __s64 ret; };

/* System call numbers differ between machines: user space says which is which. */
enum wait_kind { WAIT_MS_ARG3 = 1, WAIT_MS_ARG2, WAIT_TS_ARG3, WAIT_TS_ARG2, WAIT_TS_ARG4, WAIT_TV_ARG4, WAIT_URING };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, __u32);
} wait_kinds SEC(".maps");

static __always_inline __s64 ms_arg_ns(__u64 arg)
{
	__s32 ms = arg;
	return ms < 0 ? -1 : (__s64)ms * 1000000;
}

/*
 * The kernel refuses a program that reads further into the context than its tracepoint has arguments, and one program
 * serves calls of three to six: so they are taken from the registers that the thread entered the kernel with.
 */
static __always_inline __u64 argument(__u32 index)
{
	void *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct pt_regs___x86 *x86 = regs;
	struct pt_regs___arm64 *arm64 = regs;
	if (bpf_core_field_exists(x86->orig_ax)) {
		switch (index) {
		case 0: return x86->di;
		case 1: return x86->si;
		case 2: return x86->dx;
		case 3: return x86->r10;
		case 4: return x86->r8;
		}
		return 0;
	}
	return index ? arm64->regs[index & 7] : arm64->orig_x0;
}

/* The call that the current thread is in; negative: none. */
static __always_inline __s32 present_call(void)
{
	void *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct pt_regs___x86 *x86 = regs;
	struct pt_regs___arm64 *arm64 = regs;
	if (bpf_core_field_exists(x86->orig_ax))
		return x86->orig_ax;
	return arm64->syscallno;
}

/* Timeout asked for, ns; -1: none. -2: this call does not wait. */
static __always_inline __s64 timeout_of(__u32 kind)
{
	switch (kind) {
	case WAIT_MS_ARG3: return ms_arg_ns(argument(3));
	case WAIT_MS_ARG2: return ms_arg_ns(argument(2));
	case WAIT_TS_ARG3: return time_arg_ns((void *)argument(3), 1);
	case WAIT_TS_ARG2: return time_arg_ns((void *)argument(2), 1);
	case WAIT_TS_ARG4: return time_arg_ns((void *)argument(4), 1);
	case WAIT_TV_ARG4: return time_arg_ns((void *)argument(4), 1000);
	case WAIT_URING:
		return ring_timeout(argument(2), argument(3), argument(4));
	}
	return -2;
}

/* Legal lateness of a timed wait: fs/select.c select_estimate_accuracy(). */
static __always_inline __u64 legal_slack(struct task_struct *task, __s64 timeout_ns)
{
	__u64 part = (__u64)timeout_ns / (task->static_prio > 120 ? 200 : 1000); /* niced: five times as much */
	if (task->prio < 100) /* real-time */
		return 0;
	if (part > 100000000)
		part = 100000000;
	return part > task->timer_slack_ns ? part : task->timer_slack_ns;
}
