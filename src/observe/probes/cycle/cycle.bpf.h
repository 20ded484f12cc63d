/* SPDX-License-Identifier: Dual MIT/GPL */
/*
 * Tier 0: two probes a cycle, on entry to and exit from the wait calls that the watched threads use, and one on accept.
 * A call that asked for timeout 0 and brought nothing is a peek: it belongs to the cycle round it.
 */
#pragma once

struct sys_enter_args { __u64 common; __s64 nr; __u64 args[6]; };
struct sys_exit_args { __u64 common; __s64 nr; __s64 ret; };

struct timespec_arg { __s64 sec; __s64 nsec; };

/* System call numbers differ between machines: user space says which is which. */
enum wait_kind { WAIT_MS_ARG3 = 1, WAIT_MS_ARG2, WAIT_TS_ARG3, WAIT_TS_ARG2, WAIT_TS_ARG4, WAIT_TV_ARG4, WAIT_URING };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, __u32);
} wait_kinds SEC(".maps");

static __always_inline __s64 time_arg_ns(const void *address, __u32 unit_ns)
{
	struct timespec_arg t;
	if (!address || bpf_probe_read_user(&t, sizeof(t), address))
		return -1;
	return t.sec * 1000000000LL + t.nsec * unit_ns;
}

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
	case WAIT_URING: /* GETEVENTS with something to wait for; a mere submit is not a wait */
		return (argument(ctx, 3) & 1) && argument(ctx, 2) ? -1 : -2;
	}
	return -2;
}

/* Legal lateness of a timed wait: fs/select.c select_estimate_accuracy(), for a task that is not niced. */
static __always_inline __u64 legal_slack(__s64 timeout_ns)
{
	__u64 part = timeout_ns / 1000;
	if (part > 100000000)
		part = 100000000;
	return part > 50000 ? part : 50000;
}

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
}

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

/* Only the counts are cleared: what they do not cover is not read. */
static __always_inline void begin_account(struct loop_state *s, struct control *c, __u64 now)
{
	struct stall_event *e = &s->stall;
	e->on_cpu_ns = e->irq_ns = e->runq_ns = e->runq_unseen_ns = 0;
	e->user_samples = e->system_samples = 0;
	e->contender_count = e->block_count = e->sample_count = 0;
	e->events = e->peeks = 0;
	s->armed_at_start = c->armed;
	s->where = RUNNING;
	s->since_ns = now;
}

/* The work of a cycle is over: count it, and send it when it was over budget. */
static __always_inline void close_cycle(struct loop_state *s, struct totals *t, struct control *c, __u32 loop, __u64 end)
{
	if (!s->cycle_start_ns)
		return;
	__u64 work = end - s->cycle_start_ns;
	t->cycles++;
	t->work_ns += work;
	t->work_hist[bucket_of(work)]++;
	if (work > c->budget_ns) {
		if (s->where == RUNNING)
			s->stall.on_cpu_ns += end - s->since_ns;
		subtract(&s->stall.delta, &s->at_start, &s->at_enter);
		s->stall.events = s->cycle_events;
		s->stall.peeks = s->cycle_peeks;
		send_stall(s, t, c, loop, STALL_WORK, s->cycle_start_ns, end);
	}
	s->cycle_start_ns = 0;
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
	__s64 timeout = timeout_of(*kind, ctx);
	if (timeout == -2)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	s->kind = *kind;
	s->in_wait = 1;
	s->timeout_ns = timeout;
	s->wait_enter_ns = now;
	read_counters(&s->at_enter);
	if (timeout != 0) { /* a poll with timeout 0 may turn out to be a peek: decided when it returns */
		close_cycle(s, t, c, index, now);
		begin_account(s, c, now);
	}
	return 0;
}

/* A wait that brought something, or ran its time: how late did it end? */
static __always_inline void close_wait(struct loop_state *s, struct totals *t, struct control *c, __u32 loop,
				       struct counters *at_exit, __s64 ret, __u64 now)
{
	__u64 wait = now - s->wait_enter_ns, late = at_exit->run_delay - s->at_enter.run_delay, over = 0;
	t->wait_ns += wait;
	t->wake_hist[bucket_of(late)]++;
	if (ret == 0 && s->timeout_ns > 0) {
		__u64 due = s->timeout_ns + legal_slack(s->timeout_ns);
		t->timeouts++;
		over = wait > due ? wait - due : 0;
		t->overshoot_hist[bucket_of(over)]++;
	}
	__u64 lost = over > late ? over : late;
	if (lost > c->budget_ns) {
		subtract(&s->stall.delta, &s->at_enter, at_exit);
		send_stall(s, t, c, loop, STALL_WAIT, now - lost, now);
	}
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
	s->in_wait = 0;
	if (s->timeout_ns == 0) {
		if (ctx->ret <= 0) {
			t->peeks++;
			s->cycle_peeks++;
			return 0;
		}
		close_cycle(s, t, c, index, s->wait_enter_ns);
	}
	__u64 now = bpf_ktime_get_ns();
	__u32 events = s->kind == WAIT_URING ? 1 : ctx->ret > 0 ? ctx->ret : 0;
	read_counters(&s->at_start);
	close_wait(s, t, c, index, &s->at_start, ctx->ret, now);
	t->events += events;
	t->event_hist[bucket_of(events)]++;
	s->cycle_start_ns = now;
	s->cycle_events = events;
	s->cycle_peeks = 0;
	s->accepted = 0;
	begin_account(s, c, now);
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
	if (ctx->ret >= 0)
		t->accepts++;
	else if (ctx->ret == -11) {
		if (s->accepted)
			t->accept_tail_eagain++;
		else
			t->accept_first_eagain++;
	}
	s->accepted++;
	return 0;
}
