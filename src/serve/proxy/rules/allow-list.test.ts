// Goal: every attempt to reach what no rule allows ends as the rules say. Method: a table of attempts against one set of
// rules, with a resolver whose answers are the table's own; each names the rule that decided and the addresses that may
// be connected to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessRule, AccessSettings } from './access.ts';
import { OPEN_ACCESS } from './access.ts';
import { AccessRules } from './access-rules.ts';
import type { Admission, Request } from './rules.ts';
import { type FakeZone, fakeDns } from './testing/fake-dns.ts';
import { OwnConnections } from './who/connection-counts.ts';

const ZONE: FakeZone = {
  'example.com': [['93.184.216.34']],
  'www.example.com': [['93.184.216.34', '2606:2800:220:1::1']],
  'api.example.com': [['93.184.216.35']],
  'a.b.example.com': [['93.184.216.36']],
  'inside.example.com': [['10.1.2.3']],
  'loop.example.com': [['127.0.0.1']],
  'loop6.example.com': [['::1']],
  'mapped.example.com': [['::ffff:127.0.0.1']],
  'nat64.example.com': [['64:ff9b::a9fe:a9fe']],
  'sixtofour.example.com': [['2002:7f00:1::1']],
  'meta.example.com': [['169.254.169.254']],
  'zero.example.com': [['0.0.0.0']],
  'mixed.example.com': [['10.9.9.9', '93.184.216.34', '::1']],
  'none.example.com': [[]],
  'zoned.example.com': [['fe80::1%2']],
  'rebind.example.com': [['93.184.216.34'], ['127.0.0.1']],
  'localhost.example.com': [['127.0.0.1']],
  'xn--bcher-kva.example': [['93.184.216.40']],
  'intranet.corp': [['10.0.0.5']],
  'wide.corp': [['10.0.0.5', '169.254.169.254']],
  'db.partner.net': [['198.41.0.4']],
  'evil.net': [['93.184.216.34']],
  'notexample.com': [['93.184.216.34']],
  'example.com.evil.net': [['93.184.216.34']],
  localhost: [['127.0.0.1', '::1']],
  'half.example.com': [['203.0.114.7', '203.0.114.200']],
};

const WEB = [{ first: 443, last: 443 }];
const ALL = [{ first: 1, last: 65_535 }];

function rule(name: string, to: string[], rest: Partial<AccessRule> = {}): AccessRule {
  return { name, action: 'allow', isTrial: false, users: null, to, ports: WEB, resolvesTo: [], ...rest };
}

const RULES: AccessRule[] = [
  rule('web', ['*.example.com', 'bücher.example']),
  rule('apex', ['Example.COM.'], { ports: [{ first: 80, last: 90 }, ...WEB] }),
  rule('intranet', ['*.corp'], { resolvesTo: ['10.0.0.0/8'], ports: ALL }),
  rule('partner', ['198.41.0.0/24'], { ports: [{ first: 5432, last: 5440 }] }),
  rule('partner 6', ['2001:500::/32'], { ports: ALL }),
  rule('everywhere', ['0.0.0.0/0', '::/0'], { ports: [{ first: 8443, last: 8443 }] }),
  rule('no mail', ['*'], { action: 'refuse', ports: [{ first: 25, last: 25 }] }),
  rule('not that half', ['203.0.114.128/25'], { action: 'refuse', ports: ALL }),
  rule('admins', ['10.0.0.0/8', '127.0.0.1'], { users: ['root'], ports: ALL }),
  rule('metadata', ['169.254.169.254'], { users: ['agent'], ports: [{ first: 80, last: 80 }] }),
  rule('link', ['169.254.0.0/16'], { users: ['link'], ports: ALL }),
  rule('anything', ['*'], { users: ['free'], ports: ALL }),
  rule('perhaps not', ['api.example.com'], { action: 'refuse', isTrial: true }),
];

const USERS = ['root', 'agent', 'link', 'free', 'nobody'].map((name) => {
  return { name, passwordHash: null, from: [], connectionLimit: null };
});

function access(settings: Partial<AccessSettings> = {}, zone = ZONE) {
  const { resolver, asked } = fakeDns(zone);
  const all = { ...OPEN_ACCESS, users: USERS, rules: RULES, ...settings };
  const connections = new OwnConnections();
  return { rules: new AccessRules({ settings: all, resolver, connections, nowNs: () => 0 }), asked };
}

function ask(host: string, port: number, user: string | null, sni: string | null = null): Request {
  return { user, source: { host: '192.0.2.1', port: 5000 }, destination: { host, port }, sni };
}

/** "web: 93.184.216.34", or "refused by no-rule". */
function told(admission: Admission): string {
  if (!admission.allowed) return `refused by ${admission.rule}`;
  return `${admission.rule}: ${admission.addresses.map((at) => (at.kind === 'tcp' ? at.host : at.path)).join(' ')}`;
}

type Attempt = [what: string, host: string, port: number, ends: string, user?: string, sni?: string];

const LONG = `${'a'.repeat(63)}.`.repeat(4);

const ATTEMPTS: Attempt[] = [
  ['a name under the suffix', 'www.example.com', 443, 'web: 93.184.216.34 2606:2800:220:1::1'],
  ['a name deep under the suffix', 'a.b.example.com', 443, 'web: 93.184.216.36'],
  ['upper case', 'WWW.EXAMPLE.COM', 443, 'web: 93.184.216.34 2606:2800:220:1::1'],
  ['a dot at the end', 'www.example.com.', 443, 'web: 93.184.216.34 2606:2800:220:1::1'],
  ['two dots at the end', 'www.example.com..', 443, 'refused by not-a-destination'],
  ['the suffix itself is not under it', 'example.com', 443, 'apex: 93.184.216.34'],
  ['a port within the range', 'example.com', 85, 'apex: 93.184.216.34'],
  ['a port behind the range', 'example.com', 91, 'refused by no-rule'],
  ['the port before the range', 'example.com', 79, 'refused by no-rule'],
  ['a name that only ends alike', 'notexample.com', 443, 'refused by no-rule'],
  ['a name that begins alike', 'example.com.evil.net', 443, 'refused by no-rule'],
  ['another port', 'www.example.com', 22, 'refused by no-rule'],
  ['port 0', 'www.example.com', 0, 'refused by not-a-destination'],
  ['port 65536', 'www.example.com', 65_536, 'refused by not-a-destination'],
  ['another name', 'evil.net', 443, 'refused by no-rule'],
  ['a name in other letters', 'bücher.example', 443, 'web: 93.184.216.40'],
  ['the same in upper case', 'BÜCHER.example', 443, 'web: 93.184.216.40'],
  ['the same decomposed', 'bücher.example', 443, 'web: 93.184.216.40'],
  ['the same in ASCII', 'xn--bcher-kva.example', 443, 'web: 93.184.216.40'],
  ['an ideographic dot', 'www。example。com', 443, 'web: 93.184.216.34 2606:2800:220:1::1'],
  ['a name with a private address', 'inside.example.com', 443, 'refused by unlisted-address'],
  ['a name with a loopback address', 'loop.example.com', 443, 'refused by unlisted-address'],
  ['a name with ::1', 'loop6.example.com', 443, 'refused by unlisted-address'],
  ['a name with loopback, mapped', 'mapped.example.com', 443, 'refused by unlisted-address'],
  ['a name with metadata behind NAT64', 'nat64.example.com', 443, 'refused by unlisted-address'],
  ['a name with loopback behind 6to4', 'sixtofour.example.com', 443, 'refused by unlisted-address'],
  ['a name of the metadata service', 'meta.example.com', 443, 'refused by unlisted-address'],
  ['a name with 0.0.0.0', 'zero.example.com', 443, 'refused by unlisted-address'],
  ['of mixed addresses, the public one', 'mixed.example.com', 443, 'web: 93.184.216.34'],
  ['of mixed addresses, those not refused', 'half.example.com', 443, 'web: 203.0.114.7'],
  ['a name without an address', 'none.example.com', 443, 'refused by no-such-host'],
  ['a name with a zone alone', 'zoned.example.com', 443, 'refused by no-rule'],
  ['a listed private address by name', 'intranet.corp', 8080, 'intranet: 10.0.0.5'],
  ['the listed one alone, not metadata', 'wide.corp', 80, 'intranet: 10.0.0.5'],
  ['that private address itself', '10.0.0.5', 8080, 'refused by no-rule'],
  ['it, for who may', '10.0.0.5', 8080, 'admins: 10.0.0.5', 'root'],
  ['a private address by name, for who may', 'inside.example.com', 443, 'web: 10.1.2.3', 'root'],
  ['a listed range', '198.41.0.4', 5432, 'partner: 198.41.0.4'],
  ['a listed range, last port', '198.41.0.255', 5440, 'partner: 198.41.0.255'],
  ['a listed range, another port', '198.41.0.4', 443, 'refused by no-rule'],
  ['behind the listed range', '198.41.1.0', 5432, 'refused by no-rule'],
  ['a name within a listed range', 'db.partner.net', 5432, 'partner: 198.41.0.4'],
  ['mapped, as its IPv4', '::ffff:198.41.0.4', 5432, 'partner: 198.41.0.4'],
  ['mapped, in hexadecimal', '[::ffff:c629:4]', 5432, 'partner: 198.41.0.4'],
  ['NAT64, as its IPv4', '64:ff9b::c629:4', 5432, 'partner: 64:ff9b::c629:4'],
  ['6to4, as its IPv4', '2002:c629:4::1', 5432, 'partner: 2002:c629:4::1'],
  ['an IPv6 range', '2001:500::53', 53, 'partner 6: 2001:500::53'],
  ['an IPv6 range, in full', '[2001:0500:0000:0000:0000:0000:0000:0053]', 53, 'partner 6: 2001:500::53'],
  ['behind the IPv6 range', '2001:501::', 53, 'refused by no-rule'],
  ['everywhere', '93.184.216.34', 8443, 'everywhere: 93.184.216.34'],
  ['everywhere is nothing private', '10.0.0.1', 8443, 'refused by unlisted-address'],
  ['everywhere is not loopback', '127.0.0.1', 8443, 'refused by unlisted-address'],
  ['everywhere is not ::1', '::1', 8443, 'refused by unlisted-address'],
  ['everywhere is not ::', '::', 8443, 'refused by unlisted-address'],
  ['everywhere is not IPv4 in ::/96', '::7f00:1', 8443, 'refused by unlisted-address'],
  ['everywhere is not link-local', 'fe80::1', 8443, 'refused by unlisted-address'],
  ['everywhere is not unique local', 'fd00::1', 8443, 'refused by unlisted-address'],
  ['everywhere is not a carrier', '100.64.0.1', 8443, 'refused by unlisted-address'],
  ['everywhere is not multicast', '224.0.0.1', 8443, 'refused by unlisted-address'],
  ['everywhere is not broadcast', '255.255.255.255', 8443, 'refused by unlisted-address'],
  ['everywhere is not 172.31', '172.31.255.255', 8443, 'refused by unlisted-address'],
  ['everywhere is 172.32', '172.32.0.0', 8443, 'everywhere: 172.32.0.0'],
  ['everywhere is not Teredo', '2001:0:4136:e378::1', 8443, 'refused by unlisted-address'],
  ['private in NAT64', '64:ff9b::a00:1', 8443, 'refused by unlisted-address'],
  ['private in NAT64 of ones own', '64:ff9b:1::a00:1', 8443, 'refused by unlisted-address'],
  ['private in 6to4', '2002:a00:1::', 8443, 'refused by unlisted-address'],
  ['private, mapped', '::ffff:10.0.0.1', 8443, 'refused by unlisted-address'],
  ['private, translated', '::ffff:0:10.0.0.1', 8443, 'refused by unlisted-address'],
  ['a name that is everywhere', 'evil.net', 8443, 'everywhere: 93.184.216.34'],
  ['localhost is not everywhere', 'localhost', 8443, 'refused by unlisted-address'],
  ['octal', '0177.0.0.1', 8443, 'refused by not-a-destination'],
  ['octal of a public one', '0135.184.216.34', 8443, 'refused by not-a-destination'],
  ['hexadecimal', '0x7f.0.0.1', 8443, 'refused by not-a-destination'],
  ['hexadecimal in one', '0x7f000001', 8443, 'refused by not-a-destination'],
  ['decimal in one', '2130706433', 8443, 'refused by not-a-destination'],
  ['short', '127.1', 8443, 'refused by not-a-destination'],
  ['five parts', '93.184.216.34.5', 8443, 'refused by not-a-destination'],
  ['IPv4 and a dot', '127.0.0.1.', 8443, 'refused by not-a-destination'],
  ['256', '93.184.216.256', 8443, 'refused by not-a-destination'],
  ['full-width digits', '１２７.０.０.１', 8443, 'refused by not-a-destination'],
  ['brackets round IPv4', '[93.184.216.34]', 8443, 'refused by not-a-destination'],
  ['a zone', 'fe80::1%eth0', 8443, 'refused by not-a-destination'],
  ['two double colons', '2001::500::1', 53, 'refused by not-a-destination'],
  ['a user within the host', 'www.example.com@evil.net', 443, 'refused by not-a-destination'],
  ['a port within the host', 'www.example.com:443', 443, 'refused by not-a-destination'],
  ['an empty host', '', 443, 'refused by not-a-destination'],
  ['a dot', '.', 443, 'refused by not-a-destination'],
  ['an empty label', 'www..example.com', 443, 'refused by not-a-destination'],
  ['a dot in front', '.example.com', 443, 'refused by not-a-destination'],
  ['a star', '*.example.com', 443, 'refused by not-a-destination'],
  ['an over-long label', `${'a'.repeat(64)}.example.com`, 443, 'refused by not-a-destination'],
  ['an over-long name', `${LONG}example.com`, 443, 'refused by not-a-destination'],
  ['a NUL', 'www.example.com\0.evil.net', 443, 'refused by not-a-destination'],
  ['a line break', 'www.example.com\r\nHost: evil.net', 443, 'refused by not-a-destination'],
  ['percent signs', 'www%2eexample.com', 443, 'refused by not-a-destination'],
  ['a blank', 'www.example.com ', 443, 'refused by not-a-destination'],
  ['a path of a socket', '/run/docker.sock', 443, 'refused by not-a-destination'],
  ['a refusing rule before an allowing one', 'www.example.com', 25, 'refused by no mail', 'free'],
  ['a refusing rule for an address', '93.184.216.34', 25, 'refused by no mail', 'free'],
  ['a refused range', '203.0.114.200', 8443, 'refused by not that half'],
  ['anything, for who may', 'evil.net', 22, 'anything: 93.184.216.34', 'free'],
  ['anything is nothing private', 'intranet.corp', 22, 'intranet: 10.0.0.5', 'free'],
  ['anything is no loopback', '127.0.0.1', 22, 'refused by unlisted-address', 'free'],
  ['metadata, for who may', '169.254.169.254', 80, 'metadata: 169.254.169.254', 'agent'],
  ['metadata, on another port', '169.254.169.254', 443, 'refused by no-rule', 'agent'],
  ['link-local does not list metadata', '169.254.169.254', 80, 'refused by unlisted-address', 'link'],
  ['link-local beside it', '169.254.169.253', 80, 'link: 169.254.169.253', 'link'],
  ['a user without a rule of his own', '10.0.0.5', 22, 'refused by no-rule', 'nobody'],
  [
    'a server name that is the host',
    'www.example.com',
    443,
    'web: 93.184.216.34 2606:2800:220:1::1',
    'nobody',
    'WWW.example.com.',
  ],
  ['a server name that differs', 'www.example.com', 443, 'refused by sni-differs', 'nobody', 'evil.net'],
  ['a server name that is none', 'www.example.com', 443, 'refused by sni-differs', 'nobody', 'a..b'],
];

for (const [what, host, port, ends, user, sni] of ATTEMPTS) {
  test(`allow-list: ${what}: ${ends}`, async () => {
    const { rules } = access();
    assert.equal(told(await rules.admit(ask(host, port, user ?? null, sni ?? null))), ends);
  });
}

test('allow-list: the table has at least 60 attempts', () => assert.ok(ATTEMPTS.length >= 60));

test('allow-list: an answer that changes is judged each time it is given, and never looked up again', async () => {
  const { rules, asked } = access();
  const request = ask('rebind.example.com', 443, null);
  assert.equal(told(await rules.admit(request)), 'web: 93.184.216.34');
  assert.equal(asked.length, 1);
  assert.equal(told(await rules.admit(request)), 'refused by unlisted-address');
  assert.equal(asked.length, 2);
});

test('allow-list: what no rule can allow is not looked up', async () => {
  const onlyNames = [rule('web', ['*.example.com']), rule('no', ['0.0.0.0/0'], { action: 'refuse' })];
  const { rules, asked } = access({ rules: onlyNames });
  assert.equal(told(await rules.admit(ask('secret.evil.net', 443, null))), 'refused by no-rule');
  assert.equal(told(await rules.admit(ask('www.example.com', 443, null))), 'web: 2606:2800:220:1::1');
  assert.deepEqual(asked, ['www.example.com']);
});

test('allow-list: default is no', async () => {
  for (const list of [[], null]) {
    const { rules } = access({ rules: list });
    assert.equal(told(await rules.admit(ask('93.184.216.34', 443, 'free'))), 'refused by no-rule');
    assert.equal(told(await rules.admit(ask('www.example.com', 443, 'free'))), 'refused by no-rule');
  }
});

test('allow-list: every attempt is counted by rule', async () => {
  const { rules } = access();
  for (const [, host, port, , user, sni] of ATTEMPTS)
    await rules.admit(ask(host, port, user ?? null, sni ?? null));
  const expected = new Map<string, { allowed: number; refused: number }>();
  for (const [, , , ends] of ATTEMPTS) {
    const refused = /^refused by (.*)/.exec(ends)?.[1];
    const name = refused ?? ends.slice(0, ends.indexOf(':'));
    const row = expected.get(name) ?? { allowed: 0, refused: 0 };
    row[refused === undefined ? 'allowed' : 'refused']++;
    expected.set(name, row);
  }
  for (const { rule: name, allowed, refused } of rules.counts())
    assert.deepEqual({ allowed, refused }, expected.get(name) ?? { allowed: 0, refused: 0 }, name);
});

test('allow-list: a rule on trial counts what it would refuse, and lets it through', async () => {
  const { rules } = access();
  assert.equal(told(await rules.admit(ask('api.example.com', 443, null))), 'web: 93.184.216.35');
  const counts = rules.counts().find(({ rule: name }) => name === 'perhaps not');
  assert.deepEqual(counts, { rule: 'perhaps not', allowed: 0, refused: 0, wouldRefuse: 1 });
});

test('allow-list: a dry run lets through what it would refuse, by the name of the rule', async () => {
  const { rules } = access({ dryRun: true });
  assert.equal(told(await rules.admit(ask('evil.net', 443, null))), 'no-rule: 93.184.216.34');
  assert.equal(told(await rules.admit(ask('127.0.0.1', 8443, null))), 'unlisted-address: 127.0.0.1');
  assert.equal(
    told(await rules.admit(ask('www.example.com', 25, null))),
    'no mail: 93.184.216.34 2606:2800:220:1::1',
  );
  assert.equal(told(await rules.admit(ask('127.1', 443, null))), 'refused by not-a-destination');
  assert.equal(told(await rules.admit(ask('none.example.com', 443, null))), 'refused by no-such-host');
  const counted = rules.counts().filter(({ allowed, wouldRefuse }) => allowed + wouldRefuse > 0);
  assert.deepEqual(
    counted.map(({ rule: name, wouldRefuse }) => [name, wouldRefuse]),
    [
      ['no mail', 1],
      ['no-rule', 1],
      ['unlisted-address', 1],
    ],
  );
});
