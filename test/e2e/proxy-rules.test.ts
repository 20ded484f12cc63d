// Goal: who may go where holds on real sockets, with and without workers, and a reload changes it in place. Method: a proxy
// with CONNECT and SOCKS5 before a server of the test's own; attempts by hand, byte by byte; the counts of its rules at the
// end.
import assert from 'node:assert/strict';
import { randomBytes, scryptSync } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { temporaryFolder } from '../fixtures/guard.ts';
import { binPath } from '../fixtures/loopscope.ts';
import { freePort } from '../fixtures/ports.ts';
import { type Started, start, until } from '../fixtures/process.ts';

const folder = temporaryFolder();
const server = createServer((socket) => socket.on('error', () => {}).end('welcome'));
let port = 0;
let password = '';

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
  // Cheaper to check than what --hash-password makes.
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  const salt = randomBytes(16);
  password = `$scrypt$ln=10,r=8,p=1$${text(salt)}$${text(scryptSync('open sesame', salt, 32, { N: 1024 }))}`;
});
after(() => {
  server.close();
  folder[Symbol.dispose]();
});

type Ports = { connectPort: number; socksPort: number; tlsPort: number };
type Proxy = Started & Ports & { path: string };

async function startProxy(rules: unknown[], args: string[] = []): Promise<Proxy> {
  const ports = { connectPort: await freePort(), socksPort: await freePort(), tlsPort: await freePort() };
  const path = join(folder.path, `proxy-${ports.connectPort}.json`);
  writeConfig(path, ports, rules);
  const started = start(binPath, ['serve', 'proxy', '--config', path, '--stats', ...args]);
  await until('the ready line', () => /^listening on/m.test(started.output()) || null, 20_000);
  return Object.assign(started, ports, { path });
}

function writeConfig(path: string, { connectPort, socksPort, tlsPort }: Ports, rules: unknown[]): void {
  const listen = [
    { at: `127.0.0.1:${connectPort}`, in: 'connect' },
    { at: `127.0.0.1:${socksPort}`, in: 'socks5' },
    { at: `127.0.0.1:${tlsPort}`, in: 'connect', serverName: 'same' },
  ];
  const users = {
    alice: { password },
    inside: { from: '127.0.0.2' },
    few: { from: '127.0.0.3', connections: 1 },
  };
  writeFileSync(path, JSON.stringify({ listen, users, rules }));
}

/** The bytes that come back until the other side ends. */
async function talk(socket: Socket, says: string): Promise<string> {
  socket.on('error', () => {});
  socket.setTimeout(10_000, () => socket.destroy());
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.write(says, 'latin1');
  await once(socket, 'close');
  return text;
}

/** "200 welcome" or "403": what a CONNECT comes to. */
async function attempt(proxy: Proxy, target: string, from = '127.0.0.1', who = ''): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: proxy.connectPort, localAddress: from });
  const basic = who === '' ? '' : `Proxy-Authorization: Basic ${Buffer.from(who).toString('base64')}\r\n`;
  const text = await talk(socket, `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${basic}\r\n`);
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 'nothing';
  return status === '200' ? `200 ${text.slice(text.indexOf('\r\n\r\n') + 4)}` : status;
}

/** The reply code of SOCKS5 (RFC 1928 section 6), and what came behind it. */
async function socks(proxy: Proxy, host: string, to: number, from: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: proxy.socksPort, localAddress: from });
  const port16 = String.fromCharCode(to >> 8, to & 255);
  const request = `\x05\x01\x00\x03${String.fromCharCode(host.length)}${host}${port16}`;
  const text = await talk(socket, `\x05\x01\x00${request}`);
  if (text[1] !== '\x00') return 'no method';
  return `${text.charCodeAt(3)} ${text.endsWith('welcome') ? 'welcome' : ''}`.trim();
}

const RULES = () => [
  { name: 'by address', users: ['alice', 'inside', 'few'], to: '127.0.0.1', ports: port },
  { name: 'by name', users: 'alice', to: 'localhost', ports: `${port}-${port}`, resolvesTo: '127.0.0.0/8' },
  { name: 'public', to: '*', ports: 'any' },
  { name: 'not there', action: 'refuse', users: 'inside', to: 'refused.example', ports: 'any' },
];

const ALICE = 'alice:open sesame';

/** What, its target, what it comes to, from where, as whom. */
const ATTEMPTS: [what: string, target: () => string, ends: string, from?: string, who?: string][] = [
  ['a password', () => `127.0.0.1:${port}`, '200 welcome', '127.0.0.1', ALICE],
  ['it again, remembered', () => `127.0.0.1:${port}`, '200 welcome', '127.0.0.1', ALICE],
  ['a wrong password', () => `127.0.0.1:${port}`, '407', '127.0.0.1', 'alice:sesame'],
  ['a name that nobody has', () => `127.0.0.1:${port}`, '407', '127.0.0.1', 'bob:open sesame'],
  ['nobody', () => `127.0.0.1:${port}`, '407'],
  ['a known address', () => `127.0.0.1:${port}`, '200 welcome', '127.0.0.2'],
  ['a name with a listed address', () => `localhost:${port}`, '200 welcome', '127.0.0.1', ALICE],
  ['the same, spelt otherwise', () => `LocalHost.:${port}`, '200 welcome', '127.0.0.1', ALICE],
  ['a name for who has no rule for it', () => `localhost:${port}`, '200 welcome', '127.0.0.2'],
  ['another port', () => '127.0.0.1:1', '403', '127.0.0.1', ALICE],
  ['mapped', () => `[::ffff:127.0.0.1]:${port}`, '200 welcome', '127.0.0.2'],
  ['loopback in NAT64', () => `[64:ff9b::7f00:2]:${port}`, '403', '127.0.0.2'],
  ['another loopback', () => `127.0.0.2:${port}`, '403', '127.0.0.2'],
  ['metadata', () => '169.254.169.254:80', '403', '127.0.0.2'],
  ['0.0.0.0', () => `0.0.0.0:${port}`, '403', '127.0.0.2'],
  ['octal', () => `0177.0.0.1:${port}`, '400', '127.0.0.2'],
  ['short', () => `127.1:${port}`, '400', '127.0.0.2'],
  ['a user in the target', () => `x@127.0.0.1:${port}`, '400', '127.0.0.2'],
  ['a refusing rule', () => 'refused.example:80', '403', '127.0.0.2'],
];

/** The error of a TLS client that goes through the proxy to localhost: our server's, which is none, or the proxy's alert. */
async function tlsError(proxy: Proxy, servername: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: proxy.tlsPort });
  const basic = Buffer.from(ALICE).toString('base64');
  socket.write(
    `CONNECT localhost:${port} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic ${basic}\r\n\r\n`,
  );
  const [head] = (await once(socket, 'data')) as [Buffer];
  assert.match(head.toString(), /^HTTP\/1\.1 200/);
  const secure = tlsConnect({ socket, servername });
  const [error] = (await once(secure, 'error')) as [NodeJS.ErrnoException];
  socket.destroy();
  return error.code ?? error.message;
}

/** A server name that differs from the name that was asked for, and what is not TLS, go nowhere. */
async function assertServerNames(proxy: Proxy): Promise<void> {
  assert.match(
    await tlsError(proxy, 'LOCALHOST'),
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|RECORD/,
    'the server answered',
  );
  assert.match(await tlsError(proxy, 'evil.example'), /ALERT_ACCESS_DENIED/);
  const bare = connect({ host: '127.0.0.1', port: proxy.tlsPort });
  const basic = Buffer.from(ALICE).toString('base64');
  const says = `CONNECT localhost:${port} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic ${basic}\r\n\r\nGET / HTTP/1.1\r\n`;
  assert.doesNotMatch(await talk(bare, says), /welcome/, 'what is not TLS goes nowhere');
}

test('attempts end as the rules say, and are counted', async () => {
  await using proxy = await startProxy(RULES());
  for (const [what, target, ends, from, who] of ATTEMPTS)
    assert.equal(await attempt(proxy, target(), from, who), ends, what);
  assert.equal(await socks(proxy, 'localhost', port, '127.0.0.2'), '0 welcome');
  assert.equal(await socks(proxy, '127.0.0.1', port, '127.0.0.1'), '2');
  await assertServerNames(proxy);
  proxy.child.kill('SIGINT');
  await proxy.exited;
  const totals = ruleTotals(proxy.output());
  assert.deepEqual(totals.get('not there'), { allowed: 0, refused: 1 });
  assert.deepEqual(totals.get('by name'), { allowed: 5, refused: 0 });
  assert.deepEqual(totals.get('sni-differs'), { allowed: 0, refused: 1 });
  assert.deepEqual(totals.get('by address'), { allowed: 4, refused: 0 });
  assert.deepEqual(totals.get('unlisted-address'), { allowed: 0, refused: 7 });
});

function ruleTotals(output: string): Map<string, { allowed: number; refused: number }> {
  const totals = new Map<string, { allowed: number; refused: number }>();
  for (const line of output.split('\n').filter((each) => each.startsWith('{"worker"'))) {
    for (const { rule, allowed, refused } of JSON.parse(line).proxy.rules) {
      const before = totals.get(rule) ?? { allowed: 0, refused: 0 };
      totals.set(rule, { allowed: before.allowed + allowed, refused: before.refused + refused });
    }
  }
  return totals;
}

test('a reload changes the rules in place, a bad file keeps them, and says why', async () => {
  await using proxy = await startProxy(RULES(), ['--workers', '2']);
  const target = `127.0.0.1:${port}`;
  assert.equal(await attempt(proxy, target, '127.0.0.2'), '200 welcome');
  const news = async (words: RegExp) => {
    proxy.child.kill('SIGHUP');
    await until(String(words), () => words.test(proxy.output()) || null, 10_000);
  };
  writeFileSync(proxy.path, '{"listen": [], "ruels": []}');
  await news(/reload failed: .*ruels: no such field .did you mean rules\?/);
  assert.equal(await attempt(proxy, target, '127.0.0.2'), '200 welcome');
  writeConfig(proxy.path, proxy, []);
  await news(/reloaded/);
  assert.equal(await attempt(proxy, target, '127.0.0.2'), '403');
  assert.equal(await attempt(proxy, target, '127.0.0.1', ALICE), '403');
  proxy.child.kill('SIGINT');
  await proxy.exited;
  assert.deepEqual(ruleTotals(proxy.output()).get('by address'), { allowed: 2, refused: 0 });
});
