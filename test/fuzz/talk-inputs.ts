/** What clients say to a proxy, whole and mutated: heads of every way in, and PROXY headers. */
import { createPrng, type Prng } from '../../src/base/prng.ts';
import { ProxyHeaderReader } from '../../src/serve/proxy/ways/proxy-header/proxy-header.ts';
import { beginProxyHeader } from '../../src/serve/proxy/ways/proxy-header/proxy-talk.ts';
import {
  withChecksum,
  writeVersion1,
  writeVersion2,
} from '../../src/serve/proxy/ways/proxy-header/write-header.ts';
import { wayNamed } from '../../src/serve/proxy/ways/registry.ts';
import { ascii } from '../../src/serve/proxy/ways/testing/converse.ts';
import { craftHello, ENCRYPTED_HELLO, GREASE } from '../../src/serve/proxy/ways/testing/crafted-hello.ts';
import type { WayTalk } from '../../src/serve/proxy/ways/way.ts';

export const TALK_KINDS = ['connect', 'socks5', 'sni', 'proxy'] as const;
export type TalkKind = (typeof TALK_KINDS)[number];

/** Small enough to be met by mutated lengths. */
export const HEAD_BYTES = 4096;

export function beginTalk(kind: TalkKind, asksWho: boolean): WayTalk {
  const limits = { headBytes: HEAD_BYTES, asksWho };
  return kind === 'proxy' ? headerTalk() : wayNamed(kind).begin(limits);
}

/** Tells of a header's further fields too, which a proxy's core has no use for. */
function headerTalk(): WayTalk {
  const talk = beginProxyHeader({ headBytes: HEAD_BYTES });
  return {
    step(bytes, start, end) {
      const step = talk.step(bytes, start, end);
      if (step.kind !== 'source') return step;
      const reader = new ProxyHeaderReader(HEAD_BYTES);
      reader.read(bytes, start, end);
      return Object.assign(step, { tlvs: reader.header!.tlvs });
    },
  };
}

const v4 = { source: { host: '192.0.2.1', port: 56_324 }, destination: { host: '198.51.100.7', port: 443 } };
const v6 = { source: { host: '2001:db8::1', port: 1 }, destination: { host: '2001:db8::2', port: 65_535 } };
const unix = { source: { host: '/run/a.sock', port: 0 }, destination: { host: '@b', port: 0 } };
const tlvs = [
  { type: 2, value: ascii('example.com') },
  { type: 4, value: new Uint8Array(9) },
  { type: 0x20, value: Uint8Array.of(1, 0, 0, 0, 0, 0x21, 0, 7, ...ascii('TLSv1.3')) },
];
const grease = { type: GREASE, bytes: new Uint8Array(0) };
const encrypted = { type: ENCRYPTED_HELLO, bytes: new Uint8Array(180).fill(3) };
const serverNames = [{ name: 'example.com' }];

/** All of them are read; what follows is the tunnel's. */
export const SAMPLES: Record<TalkKind, readonly Uint8Array[]> = {
  connect: [
    ascii('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nUser-Agent: curl/8.5\r\n\r\ntunnel'),
    ascii(
      'CONNECT [2001:db8::1]:8080 HTTP/1.1\r\nHost: [2001:db8::1]\r\n' +
        'Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\nProxy-Connection: keep-alive\r\n\r\n',
    ),
    ascii('CONNECT 10.0.0.1:22 HTTP/1.0\r\nContent-Length: 0\r\n\r\nSSH-2.0-OpenSSH\r\n'),
  ],
  socks5: [
    Uint8Array.of(5, 1, 0, 5, 1, 0, 1, 10, 0, 0, 1, 0, 80, ...ascii('tunnel')),
    Uint8Array.of(
      5,
      2,
      0,
      2,
      1,
      4,
      ...ascii('user'),
      6,
      ...ascii('secret'),
      5,
      1,
      0,
      3,
      11,
      ...ascii('example.com'),
      1,
      187,
    ),
    Uint8Array.of(5, 1, 0, 5, 1, 0, 4, 0x20, 1, ...new Uint8Array(14), 0, 80),
  ],
  sni: [
    craftHello({ serverNames }),
    craftHello({ serverNames, others: [grease, encrypted], keyShareBytes: 1216, recordBytes: 700 }),
    craftHello({ serverNames, recordBytes: 1 }),
    // Just within the limit.
    craftHello({ serverNames, keyShareBytes: 920, recordBytes: 2 }),
    craftHello({}),
  ],
  proxy: [
    ...[v4, v6, null].map(writeVersion1),
    writeVersion2(v4),
    writeVersion2(v6, tlvs),
    withChecksum(writeVersion2(v4, tlvs)),
    writeVersion2(unix),
    writeVersion2(null, tlvs),
  ].map((header) => Uint8Array.of(...header, ...ascii('tunnel'))),
};

const CHANGES_MOST = 4;
/** Bytes that decide something somewhere. */
const TELLING = [0, 1, 2, 3, 4, 5, 10, 13, 32, 46, 48, 58, 64, 91, 93, 127, 128, 255];

/** A sample with bytes changed, taken out, put in, doubled or cut off; now and then none of it. */
export function mutant(kind: TalkKind, seed: number): { bytes: Uint8Array; prng: Prng } {
  const prng = createPrng(seed, TALK_KINDS.indexOf(kind));
  const samples = SAMPLES[kind];
  let bytes: Uint8Array = samples[prng.below(samples.length)]!.slice();
  for (let i = prng.below(CHANGES_MOST + 1); i > 0; i--) bytes = changed(bytes, prng);
  return { bytes, prng };
}

function changed(bytes: Uint8Array, prng: Prng): Uint8Array {
  // Heads of heads decide most.
  const span = prng.below(2) === 0 ? bytes.length : Math.min(bytes.length, 48);
  const at = prng.below(span + 1);
  const byte = prng.below(2) === 0 ? prng.below(256) : TELLING[prng.below(TELLING.length)]!;
  switch (prng.below(6)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return joined(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + prng.below(4))));
    case 2:
      return joined(bytes.subarray(0, at), Uint8Array.of(byte), bytes.subarray(at));
    case 3: {
      const piece = bytes.subarray(at, at + 1 + prng.below(64));
      const times = 1 + prng.below(prng.below(8) === 0 ? 80 : 2);
      return joined(bytes.subarray(0, at), ...Array<Uint8Array>(times).fill(piece), bytes.subarray(at));
    }
    default: {
      const copy = bytes.slice();
      if (at < copy.length) copy[at] = prng.below(3) === 0 ? copy[at]! ^ (1 << prng.below(8)) : byte;
      return copy;
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
