// Goal: the tables say what a plain list would. Method: properties, each against the naive version.
import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { bigintOf, type IpRange, wordsOf } from './hosts/cidr.ts';
import { formatIp, parseIp } from './hosts/ip.ts';
import { IpTable } from './hosts/ip-table.ts';
import { Match, NO_RULE } from './match.ts';
import { NameTable } from './name-table.ts';
import { PortTable } from './port-table.ts';

/** Addresses that meet often: a few high bits, and a few low ones. */
const anyAddress = fc.tuple(fc.nat(3), fc.nat(15)).map(([high, low]) => (BigInt(high) << 126n) | BigInt(low));
const anyRange = fc
  .tuple(anyAddress, fc.constantFrom(0, 1, 2, 3, 124, 125, 126, 127, 128))
  .map(([address, prefix]): IpRange => {
    const bits = BigInt(128 - prefix);
    const first = (address >> bits) << bits;
    return { first, last: first + (1n << bits) - 1n };
  });

test('ranges of addresses: those that hold an address, widest first', () => {
  fc.assert(
    fc.property(fc.array(anyRange, { maxLength: 12 }), fc.array(anyAddress), (ranges, addresses) => {
      const seen: string[] = [];
      const table = new IpTable(ranges, (holders) => seen.push(holders.join()) - 1);
      for (const address of addresses) {
        const holders = ranges
          .map((range, i) => ({ ...range, i }))
          .filter(({ first, last }) => first <= address && address <= last)
          .sort(
            (a, b) =>
              Number(b.last - b.first > a.last - a.first) - Number(b.last - b.first < a.last - a.first) ||
              a.i - b.i,
          )
          .map(({ i }) => i);
        assert.equal(seen[table.find(wordsOf(address))], holders.join());
      }
    }),
  );
});

test('addresses: what is read is what node reads, and is written so that it is read the same', () => {
  const words = new Uint32Array(4);
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended(), fc.string({ maxLength: 12 })), (text) => {
      const isAddress = (isIPv4(text) || isIPv6(text)) && !text.includes('%');
      assert.equal(parseIp(text, words), isAddress, text);
      if (!isAddress) return;
      const [value, written] = [bigintOf(words), formatIp(words)];
      assert.equal(parseIp(written, words), true, written);
      assert.equal(bigintOf(words), value, written);
    }),
  );
});

test('ports: the first rule of each effect', () => {
  const anyPorts = fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.nat(5))
    .map(([first, more]) => ({ first, last: first + more }));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyPorts, fc.boolean()), { maxLength: 8 }),
      fc.integer({ min: 1, max: 30 }),
      (rules, port) => {
        const table = new PortTable(
          rules.map(([ports, allows], rule) => ({
            rule,
            effect: allows ? 'allow' : 'refuse',
            ports: [ports],
          })),
        );
        const match = new Match();
        table.find(port, match);
        const first = (wanted: boolean) => {
          const found = rules.findIndex(
            ([ports, allows]) => allows === wanted && ports.first <= port && port <= ports.last,
          );
          return found < 0 ? NO_RULE : found;
        };
        assert.deepEqual([match.allow, match.refuse], [first(true), first(false)]);
      },
    ),
  );
});

test('names: the name itself and every suffix of it', () => {
  const anyName = fc
    .array(fc.constantFrom('a', 'b', 'ab', 'ba'), { minLength: 1, maxLength: 4 })
    .map((labels) => labels.join('.'));
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(anyName, fc.boolean()), { selector: String }),
      anyName,
      (entries, name) => {
        const table = new NameTable(
          entries.map(([text, isSuffix], rule) => {
            const ports = new PortTable([{ rule, effect: 'allow', ports: [{ first: 1, last: 1 }] }]);
            return { text, isSuffix, ports };
          }),
        );
        const match = new Match();
        table.find(name, 1, match);
        const found = entries.findIndex(([text, isSuffix]) =>
          isSuffix ? name.endsWith(`.${text}`) : name === text,
        );
        assert.equal(match.allow, found < 0 ? NO_RULE : found);
      },
    ),
  );
});
