// SPDX-License-Identifier: Dual MIT/GPL
/*
 * Arrivals at a TCP server, by the kernel's clock: the sk_data_ready tracepoint fires in the receiver's softirq, when a
 * segment with data was put into a socket's queue, before anybody in the server is woken. Counted in bins of 1 ms.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#define BIN_NS 1000000
#define BIN_LIMIT 65536

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct sock_common {
	unsigned short skc_num;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct settings {
	__u64 origin_ns;
	__u64 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BIN_LIMIT);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} bins SEC(".maps");

SEC("tp_btf/sk_data_ready")
int BPF_PROG(data_ready, const struct sock *sk)
{
	__u32 zero = 0;
	struct settings *chosen = bpf_map_lookup_elem(&settings, &zero);
	__u64 now = bpf_ktime_get_ns();
	__u64 *bin;
	__u32 key;

	/* skc_num: the local port, in host order. Sockets of the client have another one. */
	if (!chosen || sk->__sk_common.skc_num != chosen->port || now < chosen->origin_ns)
		return 0;
	key = (now - chosen->origin_ns) / BIN_NS;
	bin = bpf_map_lookup_elem(&bins, &key);
	if (bin)
		__sync_fetch_and_add(bin, 1);
	return 0;
}
