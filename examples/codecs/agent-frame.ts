/**
 * A codec of your own, for a private agent that speaks length-framed messages: four bytes of length, big-endian, then
 * the payload.
 *
 *     loopscope load unix:/run/agent.sock --codec ./agent-frame.ts --body 'lookup 42' --rate 20000
 *
 * The two functions are all there is to write. Replies that arrive in pieces, several at once, or as garbage are not
 * your concern.
 */
import type { CodecDefinition } from 'loopscope';

const LENGTH_BYTES = 4;
const MAX_PAYLOAD_BYTES = 1024 * 1024;

export const codec = {
  name: 'agent-frame',
  summary: "the agent's frames: 4 bytes of length, big-endian, then the payload",

  /** Called before the run, for each request that differs. `--body` and `--body-file` arrive as request.body. */
  encodeRequest(request) {
    const payload = request.body ?? new Uint8Array(0);
    const bytes = Buffer.alloc(LENGTH_BYTES + payload.length);
    bytes.writeUInt32BE(payload.length, 0);
    bytes.set(payload, LENGTH_BYTES);
    return bytes;
  },

  /** replyLength needs the length field to be whole. */
  headerBytes: LENGTH_BYTES,

  /** Called for every reply: no object, no array, no string is made here. */
  replyLength(bytes, start) {
    // 0x1000000 * and not << 24: a length past 2^31 would turn negative.
    const length =
      bytes[start]! * 0x1000000 + ((bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!);
    return length <= MAX_PAYLOAD_BYTES ? LENGTH_BYTES + length : -1;
  },
} satisfies CodecDefinition;
