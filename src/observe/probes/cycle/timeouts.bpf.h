/* SPDX-License-Identifier: Dual MIT/GPL */
/* What a wait call asked for, by the call's own conventions, and how late the kernel may legally end it. */
#pragma once

struct sys_enter_args { __u64 common; __s64 nr; __u64 args[6]; };
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
 * serves calls of three to six: so the argument is copied, which is not counted.
 */
static __always_inline __u64 argument(struct sys_enter_args *ctx, __u32 index)
{
	__u64 value = 0;
	bpf_probe_read_kernel(&value, sizeof(value), (void *)ctx + __builtin_offsetof(struct sys_enter_args, args) + index * 8);
	return value;
}

/* Timeout asked for, ns; -1: none. -2: this call does not wait. */
static __always_inline __s64 timeout_of(__u32 kind, struct sys_enter_args *ctx)
{
	switch (kind) {
	case WAIT_MS_ARG3: return ms_arg_ns(argument(ctx, 3));
	case WAIT_MS_ARG2: return ms_arg_ns(argument(ctx, 2));
	case WAIT_TS_ARG3: return time_arg_ns((void *)argument(ctx, 3), 1);
	case WAIT_TS_ARG2: return time_arg_ns((void *)argument(ctx, 2), 1);
	case WAIT_TS_ARG4: return time_arg_ns((void *)argument(ctx, 4), 1);
	case WAIT_TV_ARG4: return time_arg_ns((void *)argument(ctx, 4), 1000);
	case WAIT_URING:
		return ring_timeout(argument(ctx, 2), argument(ctx, 3), argument(ctx, 4));
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
