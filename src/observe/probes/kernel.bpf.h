/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * The few kernel structures we read, with the few fields we read. CO-RE finds each field by name in the running kernel's
 * BTF, so the rest of a structure need not be here; a test checks that every name still exists.
 */
#pragma once

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sched_info { unsigned long long run_delay; };
struct sched_entity { unsigned long long sum_exec_runtime; };
struct qstr { const unsigned char *name; };
/* d_name has lived in struct dentry since 2.6; since 6.16 inside an anonymous union, which CO-RE sees through. */
struct dentry { struct dentry *d_parent; struct qstr d_name; };
struct path { struct dentry *dentry; };
struct file { struct path f_path; };
struct fdtable { unsigned int max_fds; struct file **fd; };
struct files_struct { struct fdtable *fdt; };
struct task_struct {
	int pid;
	int tgid;
	unsigned int flags;
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
};

#pragma clang attribute pop

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */
