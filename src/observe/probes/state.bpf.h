/* SPDX-License-Identifier: Dual MIT/GPL */
/* What all probes share: one state and one set of totals for each watched thread, and the ring of stalls. */
#pragma once

#define LOOP_LIMIT 256
/* Only these can be followed by the scheduler probes: one bit each in cpu_memory.waiting. */
#define FLIGHT_LIMIT 64
#define CONTENDER_LIMIT 16
#define BLOCK_LIMIT 4
#define SAMPLE_LIMIT 8
/* Deep enough to reach from a disk's driver up to the page fault or call that asked for it. */
#define SAMPLE_DEPTH 32
#define STACK_DEPTH 24
#define NAME_BYTES 32
#define COMM_BYTES 16

/* In place of a call's number. */
enum { CALL_PAGE_FAULT = -1, CALL_STOPPED = -2, CALL_TRACED = -3, CALL_FROZEN = -4 };

enum where { UNKNOWN = 0, RUNNING = 1, RUNNABLE = 2, BLOCKED = 3 };
enum stall_kind { STALL_WORK = 1, STALL_WAIT = 2, STALL_STACK = 3 };

/* A process that had the CPU while a watched thread was runnable. pid 0 is the idle task. */
struct contender {
	__u32 pid;
	__u32 kernel_thread;
	__u64 ns;
	char comm[COMM_BYTES];
};

struct block {
	__s32 call;
	__s32 fd;
	__u32 count;
	__u32 waker_pid;
	__u64 ns;
	__u64 longest_ns;
	char waker_comm[COMM_BYTES];
	/* The file and the folders above it; of a socket, the peer's address. */
	char names[3][NAME_BYTES];
	__u32 family;
	__u32 port_be;
	__u8 address[16];
	__u32 uninterruptible;
	__u32 depth;
	__u32 copied; /* a copy of the user stack goes with it */
	__u64 stack[STACK_DEPTH];
};

struct sample {
	__s32 call;
	__u32 in_kernel;
	__u32 depth;
	__u32 copied;
	__u64 ip[SAMPLE_DEPTH];
};

struct counters {
	__u64 run_delay;
	__u64 exec;
	__u64 nvcsw;
	__u64 nivcsw;
	__u64 min_flt;
	__u64 maj_flt;
	__u64 utime;
	__u64 stime;
	__u64 steal; /* of the CPU it is on: a clock for each CPU */
};

/* One stalled cycle, as sent through the ring buffer. src/observe/probes/layouts.ts reads the same layout. */
struct stall_event {
	__u32 kind;
	__u32 loop_index;
	__u32 cpu;
	__u32 sched_seen; /* the scheduler probes were armed for the whole of it */
	__u64 start_ns;
	__u64 end_ns;
	__s64 timeout_ns;
	__u64 slack_ns;
	__u32 events;
	__u32 peeks;
	struct counters delta;
	__u64 on_cpu_ns;
	__u64 irq_ns;
	__u64 steal_ns;
	__u64 runq_ns;
	__u64 throttled_ns; /* of runq_ns: its cgroup was out of quota */
	__u64 blocked_other_ns; /* in calls that found no place in `blocks` */
	__u32 user_samples;
	__u32 system_samples;
	__u32 contender_count;
	__u32 block_count;
	__u32 sample_count;
	__u32 pad;
	struct contender contenders[CONTENDER_LIMIT];
	struct block blocks[BLOCK_LIMIT];
	struct sample samples[SAMPLE_LIMIT];
	/* Parts of the above, wherever they lie: in direct reclaim of memory; held back for having dirtied too much. */
	__u64 reclaim_ns, dirty_ns;
};

/* Cumulative; user space reads differences from the mapped array. */
struct totals {
	__u64 cycles, peeks, events, timeouts, work_ns, wait_ns;
	__u64 accepts, accept_first_eagain, accept_tail_eagain;
	__u64 stalls;
	__u32 work_hist[BUCKET_COUNT];
	__u32 event_hist[BUCKET_COUNT];
	__u32 overshoot_hist[BUCKET_COUNT];
	__u32 wake_hist[BUCKET_COUNT];
};

struct loop_state {
	__u32 kinds; /* bit mask of enum wait_kind: its own wait calls, set by user space */
	__u32 kind; /* of the wait call in flight, or the last one */
	__u32 in_wait; /* asleep in it, or awake again and not yet back */
	__s32 call; /* that call's number */
	__u64 wait_enter_ns; /* when it went to sleep in it */
	__s64 timeout_ns; /* -1: none */
	__u64 cycle_start_ns;
	__u64 segment_start_ns; /* of the work since the last poll of any kind: what the budget is held against */
	__u32 cycle_events, cycle_peeks;
	__u32 accepted; /* 0: no accept yet in this cycle, 1: the first succeeded, 2: it failed */
	__u32 ring_fd, ring_flags, ring_head;
	__u32 where;
	__u32 cpu; /* whose queue it is in */
	__u32 start_cpu; /* where at_start was read */
	__u32 sleeps; /* in any call, seen since at_start was read */
	__u64 since_ns; /* in that state since */
	__u64 task; /* its address, valid while it waits for a CPU */
	__u32 throttled; /* at charged_ns */
	__u32 known; /* it was seen to go to sleep in its wait, or to come back from it */
	__u64 charged_ns; /* up to when its time in the queue was charged to somebody */
	__u64 steal_mark, irq_mark; /* of its CPU's clocks, when it began to run there */
	__u64 wake_ns, wake_delay_ns; /* of the present wait */
	__u32 armed_at_start;
	__s32 block_call, block_fd;
	__u32 block_uninterruptible;
	struct counters at_start, at_enter;
	struct stall_event stall; /* being built */
	/* Of the armed probes alone: behind the rest, whose place in memory is part of what tier 0 costs. */
	__u64 reclaim_mark, dirty_mark;
	__u64 queue_mark; /* the task's own count of time in run queues, when it last became runnable */
	__u32 stack_slot; /* 1 + place among user_stacks, set by user space; 0: none */
	__u32 late_samples; /* past half of the budget */
	__u32 block_copied; /* the present block's user stack was copied */
	__u8 block_stacks[8]; /* see stacks.bpf.h */
	/* The last sample of late, for who looks on while a turn lasts: see samples.bpf.h. */
	__u64 newest_ns;
	struct sample newest;
	__u64 unseen_ns; /* of a block whose end was not seen: from its begin until the thread ran again */
	__s32 last_call, last_fd; /* of the last block that was in a call: restart_syscall(2) takes that up again */
};

/*
 * Where to look a thread up first: one line of memory for those that are not watched, and no more for nearly all that
 * are. A seat that two watched threads would share says so, and loop_of_tid tells them apart.
 */
#define SEAT_LIMIT 4096
#define SEAT_SHARED 0xffffffff

struct seat {
	__u32 tid; /* 0: free */
	__u32 loop_index;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SEAT_LIMIT);
	__type(key, __u32);
	__type(value, struct seat);
} seats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u32);
} loop_of_tid SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LOOP_LIMIT);
	__type(key, __u32);
	__type(value, struct loop_state);
} states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LOOP_LIMIT);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct totals);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} stalls SEC(".maps");

/* Written by user space and read here, or the reverse; one small array so that no global section is needed. */
struct control {
	__u64 budget_ns;
	__u32 armed;
	__u32 stack_credit; /* user stacks that may yet be sent */
	__u64 ring_drops;
	__u64 stack_drops;
	__u64 endings; /* of watched threads */
	__u64 beginnings; /* of threads, processes and programs, among members */
	__s64 steal_distance; /* from a CPU's struct rq to what the hypervisor writes for it; 0: not there */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct control);
} control SEC(".maps");

/* The barrier keeps the compiler from dropping a check that the verifier needs. */
static __always_inline void count_in(__u32 *histogram, __u64 value)
{
	__u32 bucket = bucket_of(value);
	asm volatile("" : "+r"(bucket));
	if (bucket < BUCKET_COUNT)
		histogram[bucket]++;
}

static __always_inline struct control *get_control(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&control, &zero);
}

static __always_inline __u32 *loop_index_of(__u32 tid)
{
	__u32 at = tid & (SEAT_LIMIT - 1);
	if (!tid) /* the idle task, every other one to leave a CPU that is not busy */
		return 0;
	struct seat *seat = bpf_map_lookup_elem(&seats, &at);
	if (!seat)
		return 0;
	if (seat->tid == tid)
		return &seat->loop_index;
	return seat->tid == SEAT_SHARED ? bpf_map_lookup_elem(&loop_of_tid, &tid) : 0;
}

/*
 * Steal time of the CPU a running task has, as the scheduler last saw it: up to a tick ago, and never within an interrupt. 0
 * where the kernel does not account it.
 */
static __always_inline __u64 seen_steal_of(struct task_struct *task)
{
	if (!bpf_core_field_exists(struct rq, prev_steal_time_rq) || !bpf_core_field_exists(struct sched_entity, cfs_rq))
		return 0;
	struct cfs_rq *queue = task->se.cfs_rq;
	return queue && queue->rq ? queue->rq->prev_steal_time_rq : 0;
}

/*
 * The same as of now, where it is KVM that writes it: the first word of struct kvm_steal_time, of each CPU, as struct rq is
 * (Documentation/virt/kvm/x86/msr.rst). It changes only while this CPU stands still.
 */
static __always_inline __u64 steal_of(struct task_struct *task)
{
	struct control *c = get_control();
	__u64 steal = 0;
	if (!c || !c->steal_distance || !bpf_core_field_exists(struct sched_entity, cfs_rq))
		return seen_steal_of(task);
	/* As a number: the verifier allows no such step from a pointer. */
	__u64 queue = (__u64)BPF_CORE_READ(task, se.cfs_rq, rq);
	if (bpf_probe_read_kernel(&steal, sizeof(steal), (void *)(queue + c->steal_distance)) || !steal)
		return seen_steal_of(task);
	return steal;
}

/* What a task's counters say of how it fared; the rest, of its work alone, is in other lines of memory. */
static __always_inline void read_events(struct counters *c, struct task_struct *t)
{
	c->run_delay = t->sched_info.run_delay;
	c->nvcsw = t->nvcsw;
	c->nivcsw = t->nivcsw;
	c->min_flt = t->min_flt;
	c->maj_flt = t->maj_flt;
}

static __always_inline void read_times(struct counters *c, struct task_struct *t)
{
	c->exec = t->se.sum_exec_runtime;
	c->utime = t->utime;
	c->stime = t->stime;
	c->steal = seen_steal_of(t);
}
