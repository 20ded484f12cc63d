import type { RequestOptions } from '../codec.ts';

/** What a user writes of a protocol: how a request is written, and how long a reply is. */
export type CodecDefinition = {
  name: string;
  summary?: string;
  /** Replies come in the order of the requests. Default true. */
  pipelines?: boolean;
  /** The bytes of one request, for which one reply is due. Called before the run, never in it. */
  encodeRequest(request: RequestOptions): Uint8Array;
  /**
   * How many bytes long is the reply that begins at bytes[start], its header included? 0: not to be known from the
   * bytes [start, end) alone (of which there are at most 64 KiB); -1: these bytes are no reply. Called for every reply,
   * so it should allocate nothing, and its answer must depend on these bytes alone.
   */
  replyLength(bytes: Uint8Array, start: number, end: number): number;
  /** replyLength is not asked with fewer bytes than this. Default 1. */
  headerBytes?: number;
  /**
   * Null when the whole reply [start, end) is a right one, else why it is not: one of a few constant strings. `request`:
   * the bytes that it answers, as encodeRequest() made them; not to be changed.
   */
  check?(bytes: Uint8Array, start: number, end: number, request: Uint8Array): string | null;
  /** Longer replies are taken for garbage. Default 16 MiB. */
  maxReplyBytes?: number;
};
