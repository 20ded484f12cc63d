/** ClientHellos made to measure, in as many records as one likes. */
export type HelloParts = {
  /** The list of names, each with its type; absent: no such extension. */
  serverNames?: readonly { type?: number; name: string }[];
  /** Extensions besides, before the name. */
  others?: readonly { type: number; bytes: Uint8Array }[];
  /** Grows a key share to this, as ML-KEM does (1216). */
  keyShareBytes?: number;
  /** Most bytes of the message in one record. */
  recordBytes?: number;
};

/** A cipher, a version or an extension that stands for nothing (RFC 8701). */
export const GREASE = 0x1a1a;
export const ENCRYPTED_HELLO = 0xfe0d;

const ascii = (text: string): number[] => Array.from(text, (char) => char.charCodeAt(0));
const uint16 = (value: number): number[] => [value >> 8, value & 0xff];
const counted = (bytes: readonly number[]): number[] => [...uint16(bytes.length), ...bytes];

export function serverNameBytes(names: readonly { type?: number; name: string }[]): Uint8Array {
  return Uint8Array.from(counted(names.flatMap(({ type = 0, name }) => [type, ...counted(ascii(name))])));
}

/** The handshake message, its head of four bytes included. */
export function craftMessage(parts: HelloParts): Uint8Array {
  const extensions = [...(parts.others ?? [])];
  if (parts.serverNames) extensions.push({ type: 0, bytes: serverNameBytes(parts.serverNames) });
  extensions.push({ type: 43, bytes: Uint8Array.of(4, ...uint16(GREASE), 3, 4) });
  const share = new Uint8Array(parts.keyShareBytes ?? 32).fill(7);
  extensions.push({ type: 51, bytes: Uint8Array.from(counted([...uint16(0x11ec), ...counted([...share])])) });
  const body = [
    ...[3, 3, ...Array<number>(32).fill(9)],
    ...[32, ...Array<number>(32).fill(1)],
    ...counted([...uint16(GREASE), 0x13, 1, 0x13, 2]),
    ...[1, 0],
    ...counted(extensions.flatMap(({ type, bytes }) => [...uint16(type), ...counted([...bytes])])),
  ];
  return Uint8Array.of(1, body.length >> 16, ...uint16(body.length & 0xffff), ...body);
}

/** A message in records of at most so many bytes. */
export function inRecords(message: Uint8Array, recordBytes = 1 << 14): Uint8Array {
  const records: number[] = [];
  for (let at = 0; at < message.length; at += recordBytes) {
    const piece = message.subarray(at, at + recordBytes);
    records.push(22, 3, 1, ...counted([...piece]));
  }
  return Uint8Array.from(records);
}

export function craftHello(parts: HelloParts): Uint8Array {
  return inRecords(craftMessage(parts), parts.recordBytes);
}
