// Goal: clients that people use go through the proxy by CONNECT, SOCKS 5 and TLS with a server name. Method: curl, Node
// and openssl around bin/loopscope.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import { hashPassword } from '../../src/serve/proxy/rules/who/password.ts';
import { temporaryFolder } from '../fixtures/guard.ts';
import { findProgram } from '../fixtures/process.ts';
import { printed, startProxy } from '../fixtures/proxy.ts';
import { needs } from '../helpers/needs.ts';

const run = promisify(execFile);
const curlPath = findProgram('curl');
const opensslPath = findProgram('openssl');

async function hello() {
  const server = createServer((asked, reply) => reply.end(`hello ${asked.url}`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = (server.address() as AddressInfo).port;
  return { port, url: `http://127.0.0.1:${port}/`, [Symbol.dispose]: () => void server.close() };
}

test('curl and Node through CONNECT and SOCKS 5, each refusal in their words', async (t) => {
  if (!needs(t, curlPath !== null, 'curl')) return;
  using folder = temporaryFolder();
  using server = await hello();
  await using proxy = await startProxy(folder.path, {
    listen: [
      { at: '127.0.0.1:0', in: 'connect' },
      { at: '127.0.0.1:0', in: 'socks5' },
    ],
    users: { alice: { password: await hashPassword(Buffer.from('s3cret')) } },
    rules: [{ users: 'alice', to: '127.0.0.1', ports: server.port }],
  });
  const [http, socks] = proxy.ports as [number, number];
  const curl = (...args: string[]) => printed(curlPath!, '-s', '-S', '-m', '15', ...args);
  const viaHttp = (user: string) => ['-p', '-x', `http://${user}127.0.0.1:${http}`];
  const viaSocks = (user: string) => ['-x', `socks5h://${user}127.0.0.1:${socks}`];
  const [good, bad] = ['alice:s3cret@', 'alice:wrong@'];
  assert.equal(await curl(...viaHttp(good), `${server.url}a`), 'hello /a');
  assert.equal(await curl(...viaSocks(good), `${server.url}b`), 'hello /b');
  assert.match(await curl(...viaHttp(''), server.url), /\b407\b/);
  assert.match(await curl(...viaHttp(good), 'http://127.0.0.1:9/'), /\b403\b/);
  assert.match(await curl(...viaSocks(bad), server.url), /User was rejected|authentication/i);
  assert.match(await curl(...viaSocks(good), 'http://127.0.0.1:9/'), /\(2\)/);
  const authorization = `Basic ${Buffer.from('alice:s3cret').toString('base64')}`;
  assert.equal(await throughNode(http, server.port, authorization), 'hello /node');
});

/** Bytes behind the head go along with it, and are not lost. */
async function throughNode(proxyPort: number, port: number, authorization: string): Promise<string> {
  const asked = request({
    ...{ host: '127.0.0.1', port: proxyPort, method: 'CONNECT', path: `127.0.0.1:${port}` },
    headers: { host: `127.0.0.1:${port}`, 'proxy-authorization': authorization },
  });
  asked.end();
  const [, socket] = await once(asked, 'connect');
  socket.write('GET /node HTTP/1.0\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text.split('\r\n\r\n')[1]!;
}

test('TLS passed through by its server name, in pieces too; what is not TLS is closed', async (t) => {
  if (!needs(t, opensslPath !== null, 'openssl')) return;
  using folder = temporaryFolder();
  const [key, cert] = [join(folder.path, 'key.pem'), join(folder.path, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await run(opensslPath!, ['req', '-x509', ...curve, '-subj', '/CN=a.example', '-keyout', key, '-out', cert]);
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) =>
    socket.end(`for ${socket.servername}`),
  );
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await using proxy = await startProxy(folder.path, {
    listen: [{ at: '127.0.0.1:0', in: 'sni' }],
    upstreams: [`127.0.0.1:${(server.address() as AddressInfo).port}`],
    rules: [{ to: '*.example', ports: 443 }],
  });
  const [port] = proxy.ports as [number];
  const asked = (name: string) =>
    printed(
      opensslPath!,
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-servername',
      name,
      '-quiet',
      '-ign_eof',
    );
  assert.match(await asked('A.Example'), /for A\.Example/);
  assert.match(await throughTls(port, 'b.example'), /for b\.example/);
  assert.match(await asked('a.elsewhere'), /alert access denied|alert number 49/i);
  const plain = connect(port, '127.0.0.1');
  plain.end('GET / HTTP/1.1\r\n\r\n');
  let text = '';
  for await (const chunk of plain) text += chunk;
  assert.equal(text, '');
});

/** With ML-KEM: a hello of more than a kilobyte. */
async function throughTls(port: number, servername: string): Promise<string> {
  const ecdhCurve = 'X25519MLKEM768';
  const socket = connectTls({ host: '127.0.0.1', port, servername, ecdhCurve, rejectUnauthorized: false });
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}
