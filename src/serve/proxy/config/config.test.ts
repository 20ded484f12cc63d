// Goal: a configuration is read as it is written, and each mistake is told by its field. Method: tables of values; files
// of both kinds, read again after a change.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LoopscopeError } from '../../../base/errors.ts';
import { describeConfig } from './describe-config.ts';
import { loadConfig } from './load-config.ts';
import { validateConfig } from './schema.ts';
import { settingsOfConfig } from './settings-of.ts';

const HASH = '$scrypt$ln=10,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

const WHOLE = {
  description: 'of everything something',
  listen: [
    '127.0.0.1:8080',
    { at: '[::1]:1080', in: 'socks5', proxyFrom: ['10.0.0.0/8'] },
    'unix:/run/p.sock',
  ],
  upstreams: ['10.0.0.7:80', { at: '10.0.0.8:80', weight: 3 }],
  balance: 'weighted',
  proxyOut: 'v2',
  users: {
    alice: { password: HASH, connections: 10, quota: { day: '10GB', total: '1500B' } },
    office: { from: ['192.168.7.0/24', 'unix'] },
  },
  rules: [
    { name: 'web', users: 'alice', to: ['*.example.com', '*'], ports: [80, '8000-8100'] },
    { to: 'intranet.corp', ports: 'any', resolvesTo: '10.0.0.0/8' },
    { name: 'no mail', action: 'refuse', dryRun: true, to: '*', ports: 25 },
    { name: 'in', users: ['office', 'alice'], to: '@upstreams' },
  ],
  dryRun: false,
  limits: { clients: 1000, head: '8KiB', lookups: 10 },
  timeouts: { head: '2s', connect: '1s', idle: '5m', lookup: '500ms', stop: '1s', leave: '1m' },
  keepLookups: '30s',
};

test('config: a whole one becomes settings', () => {
  const settings = settingsOfConfig(validateConfig(WHOLE, 'x.json'));
  assert.deepEqual(settings.listeners, [
    { address: { kind: 'tcp', host: '127.0.0.1', port: 8080 }, way: 'tcp', proxyFrom: [] },
    { address: { kind: 'tcp', host: '::1', port: 1080 }, way: 'socks5', proxyFrom: ['10.0.0.0/8'] },
    { address: { kind: 'unix', path: '/run/p.sock' }, way: 'tcp', proxyFrom: [] },
  ]);
  assert.deepEqual(settings.upstreams?.[1], {
    address: { kind: 'tcp', host: '10.0.0.8', port: 80 },
    weight: 3,
  });
  assert.equal(settings.headBytes, 8192);
  assert.equal(settings.idleTimeoutNs, 300e9);
  assert.equal(settings.clientLimit, 1000);
  assert.deepEqual(settings.access.rules?.[1], {
    name: 'rule 2',
    action: 'allow',
    isTrial: false,
    users: null,
    to: ['intranet.corp'],
    ports: [{ first: 1, last: 65_535 }],
    resolvesTo: ['10.0.0.0/8'],
  });
  assert.equal(settings.access.lookupKeepNs, 30e9);
  assert.deepEqual(JSON.parse(JSON.stringify(settings)), settings, 'plain data');
});

test('config: what is left out is not set', () => {
  const settings = settingsOfConfig(validateConfig({}, 'x.json'));
  assert.deepEqual(Object.keys(settings), ['access']);
  assert.equal(settings.access.rules, null);
});

test('config: it says what it would do', () => {
  const text = describeConfig(settingsOfConfig(validateConfig(WHOLE, 'x.json')));
  assert.deepEqual(text.split('\n'), [
    'listens at',
    '  127.0.0.1:8080, tcp',
    '  [::1]:1080, socks5, PROXY header from 10.0.0.0/8',
    '  unix:/run/p.sock, tcp',
    'upstreams',
    '  10.0.0.7:80',
    '  10.0.0.8:80, weight 3',
    'users',
    '  alice: by password, at most 10 connections, at most 10.0 GiB a day, at most 1.46 KiB in all',
    '  office: by address from 192.168.7.0/24, unix',
    'rules',
    '  web: allows alice to *.example.com, *, ports 80, 8000-8100',
    '  rule 2: allows everybody to intranet.corp, ports any; names may be at 10.0.0.0/8',
    '  no mail: would refuse everybody to *, ports 25',
    '  in: allows office, alice to @upstreams',
    'what no rule allows is refused',
  ]);
});

type Mistake = [what: string, value: unknown, message: RegExp, hint?: RegExp];

const RULE = { to: '*', ports: 443 };

const MISTAKES: Mistake[] = [
  ['a list', [], /^x\.json: must be an object, got \[\]/, /"listen"/],
  ['nothing', null, /must be an object, got null/],
  ['an unknown field', { listne: [] }, /^x\.json: listne: no such field/, /did you mean listen\?/],
  ['one nothing is near', { zzzzzz: 1 }, /zzzzzz: no such field/, /known here: description, listen/],
  ['an unknown field of a rule', { rules: [{ ...RULE, port: 1 }] }, /rules\[0\]\.port: no such/, /ports\?/],
  ['an unknown field of a user', { users: { a: { passwort: HASH } } }, /users\.a\.passwort/, /password\?/],
  ['an unknown timeout', { timeouts: { iddle: '1s' } }, /timeouts\.iddle/, /idle\?/],
  ['a rule without a destination', { rules: [{ ports: 1 }] }, /rules\[0\]\.to: /],
  ['a rule without ports', { rules: [{ to: '*' }] }, /rules\[0\]\.ports: is missing/, /"any"/],
  ['a number for an address', { listen: [8080] }, /listen\[0\]: must be an address, got 8080/],
  [
    'an address without a port',
    { listen: ['127.0.0.1'] },
    /listen\[0\]: must be 127\.0\.0\.1:8080.*got "127/,
  ],
  ['a name as an address', { listen: ['example.com:80'] }, /names are not looked up here/],
  ['a short address', { listen: [{ at: '127.1:80' }] }, /listen\[0\]\.at: must be/],
  [
    'a way there is none of',
    { listen: [{ at: '127.0.0.1:1', in: 'http' }] },
    /listen\[0\]\.in: must be "tcp"/,
  ],
  ['the same address twice', { listen: ['127.0.0.1:1', { at: 'tcp://127.0.0.1:1' }] }, /as listen\[0\] does/],
  [
    'bits beyond a prefix',
    { rules: [{ ...RULE, to: ['10.0.0.1/8'] }] },
    /rules\[0\]\.to\[0\]: has bits set.*"10/,
  ],
  ['a prefix too long', { rules: [{ ...RULE, to: '10.0.0.0/33' }] }, /rules\[0\]\.to: has no prefix length/],
  ['an octal address', { rules: [{ ...RULE, to: '010.0.0.1' }] }, /four decimal numbers, got "010/],
  ['an empty label', { rules: [{ ...RULE, to: 'a..b' }] }, /has an empty label, got "a\.\.b"/],
  ['a star in the middle', { rules: [{ ...RULE, to: 'a.*.b' }] }, /has a character/],
  ['an address behind a star', { rules: [{ ...RULE, to: '*.10.0.0.1' }] }, /behind its star/],
  ['brackets', { rules: [{ ...RULE, to: '[::1]' }] }, /without brackets/],
  ['port 0', { rules: [{ ...RULE, ports: 0 }] }, /rules\[0\]\.ports: must be a port/],
  [
    'ports the wrong way round',
    { rules: [{ ...RULE, ports: ['90-80'] }] },
    /ports\[0\]: must be a port.*"90-80"/,
  ],
  [
    'an unknown user',
    { users: { alice: { from: '::/0' } }, rules: [{ ...RULE, users: 'alise' }] },
    /no user "alise"/,
    /alice\?/,
  ],
  ['no user at all', { rules: [{ ...RULE, users: 'alise' }] }, /no user "alise"/, /nobody/],
  ['an empty list of users', { rules: [{ ...RULE, users: [] }] }, /users: is empty/, /everybody/],
  ['an empty list of destinations', { rules: [{ ...RULE, to: [] }] }, /to: is empty/],
  [
    'two rules of one name',
    {
      rules: [
        { ...RULE, name: 'a' },
        { ...RULE, name: 'a' },
      ],
    },
    /name of rules\[0\] too/,
  ],
  ['a name that is taken', { rules: [{ ...RULE, name: 'no-rule' }] }, /counted already/],
  ['an allowing rule on trial', { rules: [{ ...RULE, dryRun: true }] }, /dryRun: is for rules that refuse/],
  [
    'resolvesTo without a name',
    { rules: [{ ...RULE, to: '::/0', resolvesTo: '10.0.0.0/8' }] },
    /resolvesTo: is for/,
  ],
  [
    'a password',
    { users: { a: { password: 'secret' } } },
    /users\.a\.password: must be what .*--hash-password/,
  ],
  [
    'a hash that takes all memory',
    { users: { a: { password: HASH.replace('ln=10', 'ln=30') } } },
    /hash-password/,
  ],
  ['a user nobody could be', { users: { a: {} } }, /users\.a: has neither/],
  [
    'two users of one place',
    { users: { a: { from: '10.0.0.0/8' }, b: { from: ['10.0.0.0/8'] } } },
    /users\.b\.from: .*"a"/,
  ],
  ['a name with a colon', { users: { 'a:b': { from: '::/0' } } }, /users\["a:b"\]: must be a name/],
  ['users as a list', { users: [] }, /users: must be an object of names/],
  ['a prototype', JSON.parse('{"users":{"__proto__":{"from":"::/0"}}}'), /users: must be an object of names/],
  ['a time without a unit that is none', { timeouts: { idle: 'soon' } }, /timeouts\.idle: must be a time/],
  ['no time at all', { timeouts: { idle: '0s' } }, /timeouts\.idle: must be a time/],
  ['a number for a time', { timeouts: { idle: 5 } }, /timeouts\.idle: must be a time.*got 5/],
  ['a head of 1 GB', { limits: { head: '1GB' } }, /limits\.head: must be a size from 1KiB to 64KiB/],
  ['half a client', { limits: { clients: 0.5 } }, /limits\.clients: must be a whole number/],
  [
    'a weight of 0',
    { upstreams: [{ at: '10.0.0.1:1', weight: 0 }] },
    /upstreams\[0\]\.weight: must be a whole/,
  ],
  ['escapes in a value', { rules: [{ ...RULE, to: 'a\u001b[31m' }] }, /got "a\\u001b\[31m"|got "a·/],
];

for (const [what, value, message, hint] of MISTAKES) {
  test(`config: ${what} is refused by its field`, () => {
    assert.throws(
      () => validateConfig(value, 'x.json'),
      (error) => {
        assert.ok(error instanceof LoopscopeError);
        assert.equal(error.code, 'USAGE');
        assert.match(error.message, message);
        if (hint) assert.match(error.hint, hint);
        return true;
      },
    );
  });
}

const folder = mkdtempSync(join(tmpdir(), 'loopscope-proxy-config-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('config: JSON and TypeScript say the same', async () => {
  const json = await loadConfig(write('a.json', JSON.stringify(WHOLE)));
  const module = `import { defineProxy } from 'loopscope';
    export const proxy = defineProxy(${JSON.stringify(WHOLE)});`;
  assert.deepEqual(await loadConfig(write('a.ts', module)), json);
});

test('config: a module is read as it is now, not as it was', async () => {
  const text = (port: number) =>
    `const port: number = ${port}; export const proxy = { listen: ['127.0.0.1:' + port] };`;
  const path = write('b.ts', text(1));
  assert.deepEqual((await loadConfig(path)).listen, ['127.0.0.1:1']);
  write('b.ts', text(2));
  assert.deepEqual((await loadConfig(path)).listen, ['127.0.0.1:2']);
});

const BAD_FILES: [name: string, text: string | null, message: RegExp][] = [
  ['none.json', null, /cannot read .*none\.json: there is no such file/],
  ['none.ts', null, /there is no such file/],
  ['c.yaml', '', /--config: .*ends in none of \.json, \.ts/],
  ['d.json', '{"listen": [1,]}', /d\.json:1:15: not JSON: "\]" after a comma/],
  ['e.ts', 'export const porxy = {};', /e\.ts: exports porxy, and no proxy/],
  ['f.ts', 'const x = 1;\nthrow new Error("no");\nexport const proxy = {};', /f\.ts:2:7: Error: no/],
  ['g.ts', 'export const proxy = { listen: () => 1 };', /g\.ts: .*could not be cloned/],
  ['h.ts', 'process.exit(3); export const proxy = {};', /h\.ts: ended its thread with status 3/],
];

for (const [name, text, message] of BAD_FILES) {
  test(`config: ${name} is refused, and why`, async () => {
    const path = text === null ? join(folder, name) : write(name, text);
    await assert.rejects(loadConfig(path), message);
  });
}
