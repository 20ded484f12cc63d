/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * The few kernel structures we read, with the few fields we read. CO-RE finds each field by name in the running kernel's
 * BTF, so the rest of a structure need not be here; a test checks that every name still exists.
 */
#pragma once

/* struct in6_addr, as bytes. */
typedef struct { unsigned char bytes[16]; } address16;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct thread_info { unsigned int cpu; };
struct sched_info { unsigned long long run_delay; };
/* prev_steal_time_rq: only with CONFIG_PARAVIRT_TIME_ACCOUNTING; cfs_rq: with CONFIG_FAIR_GROUP_SCHED. */
struct rq { unsigned long long prev_steal_time_rq; };
struct cfs_rq { struct rq *rq; };
/* A cgroup out of quota: throttle_count counts it and the groups round it. CONFIG_CFS_BANDWIDTH. */
struct cfs_rq___bandwidth { int throttle_count; };
struct sched_entity { unsigned long long sum_exec_runtime; struct cfs_rq *cfs_rq; };
struct qstr { const unsigned char *name; };
/* d_name has lived in struct dentry since 2.6; since 6.16 inside an anonymous union, which CO-RE sees through. */
struct dentry { struct dentry *d_parent; struct qstr d_name; };
struct path { struct dentry *dentry; };
struct inode { unsigned short i_mode; };
struct file { struct path f_path; struct inode *f_inode; void *private_data; };
struct fdtable { unsigned int max_fds; struct file **fd; };
struct files_struct { struct fdtable *fdt; };
struct sock_common {
	unsigned int skc_daddr;
	unsigned short skc_dport;
	unsigned short skc_family;
	address16 skc_v6_daddr;
};
struct sock { struct sock_common __sk_common; };
struct socket { struct sock *sk; };
/* The completion ring of a loop that waits in io_uring_enter(2). */
struct io_uring { unsigned int head, tail; };
struct io_rings { struct io_uring cq; };
struct io_ring_ctx { struct io_rings *rings; };
struct io_uring_task { struct file *registered_rings[16]; };
/* start_stack: where the main thread's stack began. */
struct mm_struct { unsigned long start_stack; };
struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	int prio;
	int static_prio;
	unsigned long long timer_slack_ns;
	struct io_uring_task *io_uring;
	int pid;
	int tgid;
	unsigned int flags;
	unsigned long jobctl;
	char comm[16];
	unsigned long nvcsw;
	unsigned long nivcsw;
	unsigned long min_flt;
	unsigned long maj_flt;
	unsigned long long utime;
	unsigned long long stime;
	struct sched_info sched_info;
	struct sched_entity se;
	struct files_struct *files;
	struct mm_struct *mm;
};

/* Since 6.18 (e1fad12dcb66) each task is throttled by itself, on its way back to user mode. */
struct task_struct___throttled { _Bool throttled; };

/* What a thread entered the kernel with: of these two the running machine has one. */
struct pt_regs___x86 { unsigned long di, si, dx, r10, r8, orig_ax, sp; };
struct pt_regs___arm64 { unsigned long long regs[31]; unsigned long long sp; unsigned long long orig_x0; int syscallno; };

#pragma clang attribute pop

/* include/linux/sched.h */
#define TASK_INTERRUPTIBLE 1
#define TASK_UNINTERRUPTIBLE 2
#define TASK_STOPPED 4
#define TASK_TRACED 8
#define TASK_WAKING 0x200
#define TASK_FROZEN 0x8000
#define JOBCTL_TRAP_FREEZE (1UL << 23) /* include/linux/sched/jobctl.h, since 5.2 */
#define S_IFMT 00170000
#define S_IFSOCK 0140000
#define AF_INET 2
#define AF_INET6 10
#define PF_KTHREAD 0x00200000
