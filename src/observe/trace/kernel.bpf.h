/* SPDX-License-Identifier: Dual MIT/GPL */
/* The few kernel structures that the tracing programs read; CO-RE finds each field by name in the running kernel's BTF. */
#pragma once

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct thread_info { unsigned int cpu; };
struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	int pid;
	int tgid;
	unsigned int flags;
	char comm[16];
};

/* Registers: of these two the running machine has one. */
struct pt_regs___x86 { unsigned long sp, orig_ax; };
struct pt_regs___arm64 { unsigned long long regs[31]; unsigned long long sp; int syscallno; };

#pragma clang attribute pop

#define TASK_WAKING 0x200 /* include/linux/sched.h */
#define PF_KTHREAD 0x00200000
