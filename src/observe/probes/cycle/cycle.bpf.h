/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * Tier 0: two probes a cycle, on entry to and exit from the wait calls that the watched threads use, and one on accept.
 * A call that asked for timeout 0 and brought nothing is a peek: it belongs to the cycle round it, but the budget is held
 * against the work since it, because at that moment nothing was waiting to be served.
 */
#pragma once

static __always_inline void subtract(struct counters *d, struct counters *a, struct counters *b)
{
	d->run_delay = b->run_delay - a->run_delay;
	d->exec = b->exec - a->exec;
	d->nvcsw = b->nvcsw - a->nvcsw;
	d->nivcsw = b->nivcsw - a->nivcsw;
	d->min_flt = b->min_flt - a->min_flt;
	d->maj_flt = b->maj_flt - a->maj_flt;
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

/* The work since the last poll is over. It ends the segment whether or not the poll turns out to be a peek. */
static __always_inline void judge_segment(struct loop_state *s, struct totals *t, struct control *c, __u32 loop,
					  __u64 now)
{
	if (!s->segment_start_ns || now - s->segment_start_ns <= c->budget_ns)
		return;
	struct counters *delta = &s->stall.delta;
	if (s->armed_at_start) {
		struct task_struct *task = bpf_get_current_task_btf();
		resync(s, this_cpu(), task, loop, now);
		close_run(s, this_cpu(), task, now);
	}
	subtract(delta, &s->at_start, &s->at_enter);
	if (s->start_cpu != bpf_get_smp_processor_id()) /* each CPU has its own steal clock */
		delta->steal = 0;
	s->stall.events = s->cycle_events;
	s->stall.peeks = s->cycle_peeks;
	if (s->armed_at_start)
		send_user_stacks(s, c, loop);
	send_stall(s, t, c, loop, STALL_WORK, s->segment_start_ns, now);
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

SEC("tracepoint/syscalls/sys_enter_epoll_wait")
int on_wait_enter(struct sys_enter_args *ctx)
{
	__u32 *loop = loop_index_of(bpf_get_current_pid_tgid());
	if (!loop)
		return 0;
	__u32 index = *loop, nr = ctx->nr;
	__u32 *kind = bpf_map_lookup_elem(&wait_kinds, &nr);
	struct loop_state *s = bpf_map_lookup_elem(&states, &index);
	struct totals *t = bpf_map_lookup_elem(&totals, &index);
	struct control *c = get_control();
	if (!kind || !s || !t || !c || !(s->kinds & (1u << (*kind & 31))))
		return 0;
	__s64 timeout = timeout_of(*kind);
	if (timeout == -2)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	if (*kind == WAIT_URING) {
		__u32 fd = argument(0);
		if (s->segment_start_ns && fd == s->ring_fd)
			count_ring_events(s, t);
		s->ring_fd = fd;
		s->ring_flags = argument(3);
	}
	read_counters(&s->at_enter);
	judge_segment(s, t, c, index, now);
	s->kind = *kind;
	s->in_wait = 1;
	s->segment_start_ns = 0;
	s->timeout_ns = timeout;
	s->wait_enter_ns = now;
	if (timeout != 0) /* a poll with timeout 0 may turn out to be a peek: decided when it returns */
		close_cycle(s, t, now);
	begin_account(s, c, index, now);
	return 0;
}

/* A wait that brought something, or ran its time: how late did it end? */
static __always_inline void close_wait(struct loop_state *s, struct totals *t, struct control *c, __u32 loop,
				       _Bool nothing, __u64 now)
{
	__u64 wait = now - s->wait_enter_ns, late = s->at_start.run_delay - s->at_enter.run_delay;
	struct stall_event *e = &s->stall;
	t->wait_ns += wait;
	count_in(t->wake_hist, late);
	e->slack_ns = 0;
	if (nothing && s->timeout_ns > 0 && wait >= s->timeout_ns) {
		e->slack_ns = legal_slack(bpf_get_current_task_btf(), s->timeout_ns);
		__u64 due = s->timeout_ns + e->slack_ns;
		late = wait > due ? wait - due : 0;
		t->timeouts++;
		count_in(t->overshoot_hist, late);
	} else if (s->wake_ns && s->armed_at_start == c->armed) {
		late = s->wake_delay_ns;
	}
	if (late <= c->budget_ns)
		return;
	subtract(&e->delta, &s->at_enter, &s->at_start);
	e->delta.steal = 0;
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
	if (!s || !t || !c || !s->in_wait)
		return 0;
	__u32 events = ctx->ret > 0 ? ctx->ret : 0;
	if (s->kind == WAIT_URING) {
		struct io_uring cq = completions_of(s);
		events = cq.tail - cq.head;
		s->ring_head = cq.head;
	}
	__u64 now = bpf_ktime_get_ns();
	s->in_wait = 0;
	read_counters(&s->at_start);
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
