/** PROXY headers for upstreams, each in one piece: senders may not split them. */
import { isIP } from 'node:net';
import { addressBytes } from '../host.ts';
import type { Endpoint } from '../way.ts';
import { crc32c } from './crc32c.ts';
import type { Tlv } from './header-fields.ts';
import {
  V2_ADDRESS_BYTES,
  V2_COMMAND,
  V2_CRC32C,
  V2_FAMILY,
  V2_HEAD_BYTES,
  V2_SIGNATURE,
} from './version-2.ts';

/** Who connected, and to what; both as the client's side knows them. */
export type Ends = { readonly source: Endpoint; readonly destination: Endpoint };

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** As a setting says; null: none is sent. */
export function headerWriter(
  version: 'none' | 'v1' | 'v2',
): ((source: Endpoint, destination: Endpoint) => Uint8Array) | null {
  if (version === 'none') return null;
  const write = version === 'v1' ? writeVersion1 : writeVersion2;
  return (source, destination) => write({ source, destination });
}

/** Version 1. Without ends, or with ends that it cannot say (Unix sockets): UNKNOWN. */
export function writeVersion1(ends: Ends | null): Uint8Array {
  const family = ends === null ? 'unix' : familyOf(ends);
  if (ends === null || family === 'unix') return ascii('PROXY UNKNOWN\r\n');
  const said = ({ host }: Endpoint) => (family === 'tcp4' || host.includes(':') ? host : `::ffff:${host}`);
  const { source, destination } = ends;
  const hosts = `${said(source)} ${said(destination)}`;
  return ascii(`PROXY ${family.toUpperCase()} ${hosts} ${source.port} ${destination.port}\r\n`);
}

/** Version 2: PROXY with its ends, or LOCAL without: our own connection, such as a health check. */
export function writeVersion2(ends: Ends | null, tlvs: readonly Tlv[] = []): Uint8Array {
  const [family, addresses] = ends === null ? [0, []] : addressesOf(ends);
  const fields = tlvs.flatMap(({ type, value }) => [type, value.length >> 8, value.length & 0xff, ...value]);
  const length = addresses.length + fields.length;
  const command = ends === null ? V2_COMMAND.local : V2_COMMAND.proxy;
  return Uint8Array.of(...V2_SIGNATURE, command, family, length >> 8, length & 0xff, ...addresses, ...fields);
}

/** A header of version 2 with its checksum as the last field. */
export function withChecksum(header: Uint8Array): Uint8Array {
  const length = header.length + 7;
  const summed = new Uint8Array(length);
  summed.set(header);
  summed.set([V2_CRC32C, 0, 4], header.length);
  const view = new DataView(summed.buffer);
  view.setUint16(14, length - V2_HEAD_BYTES);
  view.setUint32(length - 4, crc32c(summed, 0, length, length - 4));
  return summed;
}

/** Two families in one connection are both said in IPv6's terms. */
function familyOf({ source, destination }: Ends): keyof typeof V2_FAMILY {
  const [from, to] = [isIP(source.host), isIP(destination.host)];
  if (from === 0 || to === 0) return 'unix';
  return from === 4 && to === 4 ? 'tcp4' : 'tcp6';
}

/** Family byte and address block; neither where one end is an address and the other a path. */
function addressesOf(ends: Ends): [number, number[]] {
  const { source, destination } = ends;
  const family = familyOf(ends);
  if (family === 'unix') {
    const isMixed = isIP(source.host) !== isIP(destination.host);
    return isMixed ? [0, []] : [V2_FAMILY.unix, [...pathBytes(source.host), ...pathBytes(destination.host)]];
  }
  const said = ({ host }: Endpoint) => {
    const bytes = addressBytes(host);
    return family === 'tcp4' || bytes.length === 16 ? bytes : [...MAPPED, ...bytes];
  };
  const ports = [source.port, destination.port].flatMap((port) => [port >> 8, port & 0xff]);
  return [V2_FAMILY[family], [...said(source), ...said(destination), ...ports]];
}

function pathBytes(path: string): Uint8Array {
  const block = new Uint8Array(V2_ADDRESS_BYTES.unix / 2);
  block.set(new TextEncoder().encode(path).subarray(0, block.length));
  if (path.startsWith('@')) block[0] = 0;
  return block;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
