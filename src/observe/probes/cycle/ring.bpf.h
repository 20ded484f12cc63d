/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * Loops that wait in io_uring_enter(2). The call waits only when it asks for completions (GETEVENTS and min_complete
 * above 0); a mere submit is work. What a cycle was about is not in the call's result: it is the completions that the loop
 * took from its ring in that cycle, whichever call had brought them.
 */
#pragma once

#define IORING_ENTER_GETEVENTS 1
#define IORING_ENTER_EXT_ARG 8
#define IORING_ENTER_REGISTERED_RING 16
#define IORING_ENTER_ABS_TIMER 32
#define RING_FD_LIMIT (1u << 20)

struct timespec_arg { __s64 sec; __s64 nsec; };

static __always_inline __s64 time_arg_ns(const void *address, __u32 unit_ns)
{
	struct timespec_arg t;
	if (!address || bpf_probe_read_user(&t, sizeof(t), address))
		return -1;
	return t.sec * 1000000000LL + t.nsec * unit_ns;
}

/* struct io_uring_getevents_arg, include/uapi/linux/io_uring.h */
struct getevents_arg { __u64 sigmask; __u32 sigmask_sz; __u32 min_wait_usec; __u64 ts; };

/* As timeout_of() in timeouts.bpf.h. */
static __always_inline __s64 ring_timeout(__u32 min_complete, __u32 flags, __u64 arg_address)
{
	struct getevents_arg arg;
	if (!(flags & IORING_ENTER_GETEVENTS) || !min_complete)
		return -2;
	if (!(flags & IORING_ENTER_EXT_ARG) || bpf_probe_read_user(&arg, sizeof(arg), (void *)arg_address))
		return -1;
	__s64 timeout = time_arg_ns((void *)arg.ts, 1);
	return timeout > 0 && (flags & IORING_ENTER_ABS_TIMER) ? timeout - (__s64)bpf_ktime_get_ns() : timeout;
}

/* The completion ring of the wait: how far it was filled, how far it was read. */
static __always_inline struct io_uring completions_of(struct loop_state *s)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct io_uring cq = {};
	struct file **table, *file = 0;
	__u32 fd = s->ring_fd;
	if (s->ring_flags & IORING_ENTER_REGISTERED_RING) {
		struct io_uring_task *rings = BPF_CORE_READ(task, io_uring);
		table = (struct file **)((void *)rings + bpf_core_field_offset(rings->registered_rings));
		fd &= 15;
	} else {
		table = BPF_CORE_READ(task, files, fdt, fd);
		if (fd >= RING_FD_LIMIT)
			return cq;
	}
	bpf_probe_read_kernel(&file, sizeof(file), table + fd);
	/* The low bits of a registered file's pointer carry flags. */
	file = (struct file *)((__u64)file & ~7ULL);
	struct io_ring_ctx *ring = BPF_CORE_READ(file, private_data);
	struct io_rings *rings = BPF_CORE_READ(ring, rings);
	cq.head = BPF_CORE_READ(rings, cq.head);
	cq.tail = BPF_CORE_READ(rings, cq.tail);
	return cq;
}
