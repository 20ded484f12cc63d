/* SPDX-License-Identifier: Dual MIT/GPL */
/* What a descriptor of a blocked thread is. */
#pragma once

/* What a descriptor is: a file's name and the folders above it, or a socket's peer. Empty when it is not open. */
static __always_inline void describe(struct task_struct *task, struct block *b)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = 0;
	__u32 fd = b->fd;
	b->names[0][0] = b->names[1][0] = b->names[2][0] = 0;
	b->family = 0;
	if (fd >= BPF_CORE_READ(table, max_fds) || bpf_probe_read_kernel(&file, sizeof(file), files + fd) || !file)
		return;
	struct dentry *d = BPF_CORE_READ(file, f_path.dentry);
	for (int i = 0; i < 3 && d; i++) {
		bpf_probe_read_kernel_str(b->names[i], NAME_BYTES, BPF_CORE_READ(d, d_name.name));
		struct dentry *parent = BPF_CORE_READ(d, d_parent);
		if (parent == d)
			break;
		d = parent;
	}
	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	b->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	b->port_be = BPF_CORE_READ(sk, __sk_common.skc_dport);
	if (b->family == AF_INET)
		BPF_CORE_READ_INTO((__u32 *)b->address, sk, __sk_common.skc_daddr);
	else if (b->family == AF_INET6)
		BPF_CORE_READ_INTO((address16 *)b->address, sk, __sk_common.skc_v6_daddr);
}
