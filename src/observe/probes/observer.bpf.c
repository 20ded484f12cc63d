// SPDX-License-Identifier: Dual MIT/GPL
/* All probes in one object, because they share their maps: a light skeleton is loaded as a whole. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#include "kernel.bpf.h"
#include "buckets.bpf.h"
#include "state.bpf.h"
#include "stacks/stacks.bpf.h"
#include "blocks.bpf.h"
#include "cpus.bpf.h"
#include "cycle/ring.bpf.h"
#include "cycle/timeouts.bpf.h"
#include "cycle/cycle.bpf.h"
#include "cycle/beginnings.bpf.h"
#include "cycle/ends.bpf.h"
#include "sched/sched.bpf.h"
#include "samples/samples.bpf.h"
#include "memory/memory.bpf.h"
