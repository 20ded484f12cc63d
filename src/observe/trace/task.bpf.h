/* SPDX-License-Identifier: Dual MIT/GPL */
/* What every traced thread's row begins with. */
#pragma once

/* What `ended` says: its number may be in use again, by one that is not traced. */
enum { ENDED = 1, ANOTHERS = 2 };

struct task_part {
	__u32 tgid;
	__u32 ended;
	__u32 fresh; /* born while traced, and not yet back from the call that made it */
	__u32 pad;
	__u64 off_ns; /* off the CPU so far: blocked or waiting for its turn */
	__u64 off_since_ns; /* 0: it has the CPU, or nothing is known */
	char comm[16];
};
