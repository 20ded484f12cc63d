/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * Tier 0: a program on the exit from the wait calls that the watched threads use, one on the switch by which a thread goes
 * to sleep, and one on accept. A wait begins when the thread goes to sleep in the call; a call that brings events without
 * sleeping is not waited in at all, and its time is work. So a busy loop is met once a turn, and no call of anybody takes
 * the kernel's slow way in.
 *
 * A call that asked for timeout 0 and brought nothing is a peek: it belongs to the cycle round it, but the budget is held
 * against the work since it, because at that moment nothing was waiting to be served.
 */
#pragma once

static __always_inline void subtract_events(struct counters *d, struct counters *a, struct counters *b)
{
	d->run_delay = b->run_delay - a->run_delay;
	d->nvcsw = b->nvcsw - a->nvcsw;
	d->nivcsw = b->nivcsw - a->nivcsw;
	d->min_flt = b->min_flt - a->min_flt;
	d->maj_flt = b->maj_flt - a->maj_flt;
}

static __always_inline void subtract_times(struct counters *d, struct counters *a, struct counters *b)
{
	d->exec = b->exec - a->exec;
	d->utime = b->utime - a->utime;
	d->stime = b->stime - a->stime;
	d->steal = b->steal - a->steal;
}

/* What the first accept of a cycle gave. */
enum { ACCEPT_GOT = 1, ACCEPT_EMPTY = 2 };

static __always_inline void send_stall(struct loop_state *s, struct totals *t, struct control *c, __u32 loop, __u32 kind,
				       __u64 start, __u64 end)
{
	struct stall_event *e = &s->stall;
	e->kind = kind;
	e->loop_index = loop;
	e->cpu = bpf_get_smp_processor_id();
	e->sched_seen = s->armed_at_start && c->armed == s->armed_at_start;
	e->start_ns = start;
	e->end_ns = end;
	e->timeout_ns = s->timeout_ns;
	t->stalls++;
	if (bpf_ringbuf_output(&stalls, e, sizeof(*e), 0))
		__sync_fetch_and_add(&c->ring_drops, 1);
}

/*
 * The work since the last poll was over budget. A function of its own, which the kernel verifies once for all its callers;
 * and what hardly ever runs does not lie between what always does.
 */
__noinline int end_long_segment(struct loop_state *s, struct totals *t, struct control *c, __u32 loop, __u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();
	if (!s || !t || !c)
		return 0;
	struct counters *delta = &s->stall.delta;
	if (s->armed_at_start) {
		resync(s, this_cpu(), task, loop, now);
		close_run(s, this_cpu(), task, now);
	}
	read_events(&s->at_enter, task);
	read_times(&s->at_enter, task);
	if (s->in_wait) /* going to sleep: the kernel has counted the switch already */
		s->at_enter.nvcsw--;
	subtract_events(delta, &s->at_start, &s->at_enter);
	subtract_times(delta, &s->at_start, &s->at_enter);
	if (s->start_cpu != bpf_get_smp_processor_id()) /* each CPU has its own steal clock */
		delta->steal = 0;
	s->stall.events = s->cycle_events;
	s->stall.peeks = s->cycle_peeks;
	if (s->armed_at_start)
		send_user_stacks(s, c, loop);
	send_stall(s, t, c, loop, STALL_WORK, s->segment_start_ns, now);
	return 0;
}

/* The work since the last poll is over. It ends the segment whether or not the poll turns out to be a peek. */
static __always_inline void judge_segment(struct loop_state *s, struct totals *t, struct control *c, __u32 loop,
					  __u64 now)
{
	if (s->segment_start_ns && now - s->segment_start_ns > c->budget_ns)
		end_long_segment(s, t, c, loop, now);
}

static __always_inline void close_cycle(struct loop_state *s, struct totals *t, __u64 end)
{
	if (!s->cycle_start_ns)
		return;
	__u64 work = end - s->cycle_start_ns;
	t->cycles++;
	t->work_ns += work;
	count_in(t->work_hist, work);
	s->cycle_start_ns = 0;
}

/* At the end of a turn: what it took from the completion ring. */
static __always_inline void count_ring_events(struct loop_state *s, struct totals *t)
{
	__u32 taken = completions_of(s).head - s->ring_head;
	s->ring_head += taken;
	s->cycle_events = taken;
	t->events += taken;
	count_in(t->event_hist, taken);
}

/* Whether that call is one of the loop's own waits; then its kind is noted. */
static __always_inline _Bool is_own_wait(struct loop_state *s, __s32 call)
{
	if (s->call == call && s->kind)
		return 1;
	__u32 *kind = bpf_map_lookup_elem(&wait_kinds, &call);
	if (!kind || !(s->kinds & (1u << (*kind & 31))))
		return 0;
	s->call = call;
	s->kind = *kind;
	return 1;
}

/* In the thread's own context. The turn is over; in_wait: because it goes to sleep, else it is back already. */
static __always_inline void begin_wait(struct loop_state *s, struct totals *t, struct control *c, __u32 loop,
				       __s64 timeout, __u64 now)
{
	if (s->kind == WAIT_URING) {
		__u32 fd = argument(0);
		if (s->segment_start_ns && fd == s->ring_fd)
			count_ring_events(s, t);
		s->ring_fd = fd;
		s->ring_flags = argument(3);
	}
	judge_segment(s, t, c, loop, now);
	s->segment_start_ns = 0;
	s->timeout_ns = timeout;
	s->wait_enter_ns = now;
	if (timeout != 0) /* a poll with timeout 0 may turn out to be a peek: decided when it returns */
		close_cycle(s, t, now);
	begin_account(s, c, loop, now);
}

/* Told to stand still with its cgroup, version 2: that sleeps as a wait does. */
static __always_inline _Bool is_freezing(struct task_struct *task)
{
	return !!(task->jobctl & JOBCTL_TRAP_FREEZE);
}

/*
 * The present thread, a watched one, leaves its CPU by itself. Waits sleep interruptibly: what else stops a thread in its
 * wait call (a signal, a tracer) is none.
 */
static __always_inline void fell_asleep(__u32 index, __u32 state, __u64 now)
{
	struct loop_state *s = bpf_map_lookup_elem(&states, &index);
	struct totals *t = bpf_map_lookup_elem(&totals, &index);
	struct control *c = get_control();
	if (!s || !t || !c)
		return;
	s->sleeps++;
	if (s->in_wait || !(state & TASK_INTERRUPTIBLE) || !is_own_wait(s, present_call()))
		return;
	if (is_freezing(bpf_get_current_task_btf()))
		return;
	__s64 timeout = timeout_of(s->kind);
	if (timeout == -2)
		return;
	s->known = s->in_wait = 1;
	read_events(&s->at_enter, bpf_get_current_task_btf());
	s->at_enter.nvcsw--; /* the kernel has counted this switch already */
	begin_wait(s, t, c, index, timeout, now);
}

/* While the scheduler probes are armed their own program on this event does the same. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_sleep, _Bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	__u32 *loop = preempt ? 0 : loop_index_of(prev->pid);
	if (loop)
		fell_asleep(*loop, prev_state, bpf_ktime_get_ns());
	return 0;
}

/*
 * The wait call returns and was not seen to sleep: as a rule it had something at once. A kernel may hide switches (sched.md);
 * then the time that the thread did not run is taken to have been the wait.
 */
static __always_inline __u64 unseen_sleep(struct loop_state *s, __u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();
	if (!s->segment_start_ns || task->nvcsw - s->at_start.nvcsw <= s->sleeps)
		return now;
	__u64 ran = s->segment_start_ns + (task->se.sum_exec_runtime - s->at_start.exec);
	read_events(&s->at_enter, task);
	return ran < now ? ran : now;
}

/* From the setting of a wait's timer to the switch away. */
#define TO_SLEEP_NS 20000

/* A wait that brought something, or ran its time: how late did it end? */
static __always_inline void close_wait(struct loop_state *s, struct totals *t, struct control *c, __u32 loop,
				       _Bool nothing, __u64 now)
{
	__u64 wait = now - s->wait_enter_ns, slack = 0;
	__u64 late = wait ? s->at_start.run_delay - s->at_enter.run_delay : 0; /* else it was not asleep */
	struct stall_event *e = &s->stall;
	t->wait_ns += wait;
	count_in(t->wake_hist, late);
	if (nothing && s->timeout_ns > 0 && wait + TO_SLEEP_NS >= s->timeout_ns) {
		slack = legal_slack(bpf_get_current_task_btf(), s->timeout_ns);
		__u64 due = s->timeout_ns + slack;
		late = wait > due ? wait - due : 0;
		t->timeouts++;
		count_in(t->overshoot_hist, late);
	} else if (s->wake_ns && s->armed_at_start == c->armed) {
		late = s->wake_delay_ns;
	}
	if (late <= c->budget_ns)
		return;
	e->slack_ns = slack;
	subtract_events(&e->delta, &s->at_enter, &s->at_start);
	e->delta.exec = e->delta.utime = e->delta.stime = e->delta.steal = 0;
	send_stall(s, t, c, loop, STALL_WAIT, now - late, now);
}

SEC("tracepoint/syscalls/sys_exit_epoll_wait")
int on_wait_exit(struct sys_exit_args *ctx)
{
	__u32 *loop = loop_index_of(bpf_get_current_pid_tgid());
	if (!loop)
		return 0;
	__u32 index = *loop;
	struct loop_state *s = bpf_map_lookup_elem(&states, &index);
	struct totals *t = bpf_map_lookup_elem(&totals, &index);
	struct control *c = get_control();
	if (!s || !t || !c)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	if (!s->in_wait) {
		if (!is_own_wait(s, ctx->nr))
			return 0;
		__s64 timeout = timeout_of(s->kind);
		if (timeout == -2)
			return 0;
		if (!s->known) { /* it was under way when the probes came */
			s->known = 1;
			return 0;
		}
		begin_wait(s, t, c, index, timeout, unseen_sleep(s, now));
	}
	__u32 events = ctx->ret > 0 ? ctx->ret : 0;
	if (s->kind == WAIT_URING) {
		struct io_uring cq = completions_of(s);
		events = cq.tail - cq.head;
		s->ring_head = cq.head;
	}
	struct task_struct *task = bpf_get_current_task_btf();
	s->in_wait = 0;
	s->sleeps = 0;
	read_events(&s->at_start, task);
	read_times(&s->at_start, task);
	s->start_cpu = bpf_get_smp_processor_id();
	s->segment_start_ns = now;
	if (s->timeout_ns == 0 && events == 0) {
		t->peeks++;
		s->cycle_peeks++;
		begin_account(s, c, index, now);
		return 0;
	}
	if (s->timeout_ns == 0)
		close_cycle(s, t, s->wait_enter_ns);
	close_wait(s, t, c, index, events == 0, now);
	if (s->kind != WAIT_URING) {
		t->events += events;
		count_in(t->event_hist, events);
	}
	s->cycle_start_ns = now;
	s->cycle_events = events;
	s->cycle_peeks = 0;
	s->accepted = 0;
	begin_account(s, c, index, now);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_accept4")
int on_accept_exit(struct sys_exit_args *ctx)
{
	__u32 *loop = loop_index_of(bpf_get_current_pid_tgid());
	if (!loop)
		return 0;
	__u32 index = *loop;
	struct loop_state *s = bpf_map_lookup_elem(&states, &index);
	struct totals *t = bpf_map_lookup_elem(&totals, &index);
	if (!s || !t)
		return 0;
	if (ctx->ret >= 0) {
		t->accepts++;
		if (!s->accepted)
			s->accepted = ACCEPT_GOT;
	} else if (ctx->ret == -11) {
		if (s->accepted == ACCEPT_GOT) {
			t->accept_tail_eagain++;
		} else if (!s->accepted) {
			t->accept_first_eagain++;
			s->accepted = ACCEPT_EMPTY;
		}
	}
	return 0;
}
