/** What a captured reply says, without its framing. */
const CR = 13;

/** The content of a scalar; an aggregate's bytes as they came. `reply` may be cut short. */
export function respPayload(reply: Uint8Array): Uint8Array {
  const type = String.fromCharCode(reply[0] ?? 0);
  if ('+-:,(#_'.includes(type)) return reply.subarray(1, lineEnd(reply));
  if (!'$=!'.includes(type)) return reply;
  const at = lineEnd(reply);
  const size = Number(Buffer.from(reply.subarray(1, at)).toString('latin1'));
  if (!(size >= 0)) return reply.subarray(0, 0);
  return reply.subarray(at + 2, at + 2 + size);
}

/** Position of the CR that is followed by LF, or the end. */
function lineEnd(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length && !(bytes[at] === CR && bytes[at + 1] === 10)) at++;
  return at;
}
