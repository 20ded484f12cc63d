/* SPDX-License-Identifier: Dual MIT/GPL */
/* The buckets of src/record/cycle-buckets.ts: four to each power of two. A test compares the two. */
#pragma once

#define BUCKET_COUNT 168

static __always_inline __u32 floor_log2(__u64 v)
{
	__u32 r = 0;
	if (v >> 32) { r += 32; v >>= 32; }
	if (v >> 16) { r += 16; v >>= 16; }
	if (v >> 8) { r += 8; v >>= 8; }
	if (v >> 4) { r += 4; v >>= 4; }
	if (v >> 2) { r += 2; v >>= 2; }
	return r + (v >> 1);
}

static __always_inline __u32 bucket_of(__u64 v)
{
	__u32 octave, bucket;
	if (v < 4)
		return v;
	octave = floor_log2(v);
	bucket = octave * 4 + ((v >> (octave - 2)) & 3) - 4;
	return bucket < BUCKET_COUNT ? bucket : BUCKET_COUNT - 1;
}
