// Goal: the proxy's neighbours speak PROXY with it, in and out, and clients in Python go through it. Method: nginx, haproxy,
// curl and Python's http.client around bin/loopscope.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../fixtures/guard.ts';
import { nginxPath, startNginx } from '../fixtures/nginx.ts';
import { freePort, untilListening } from '../fixtures/ports.ts';
import { findProgram, start } from '../fixtures/process.ts';
import { printed, startProxy } from '../fixtures/proxy.ts';
import { needs } from '../helpers/needs.ts';

const curlPath = findProgram('curl');
const haproxyPath = findProgram('haproxy');
const pythonPath = findProgram('python3');

test("Python's http.client through CONNECT", async (t) => {
  if (!needs(t, pythonPath !== null, 'python3')) return;
  using folder = temporaryFolder();
  const server = createServer((_asked, reply) => reply.end('hello'));
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await using proxy = await startProxy(folder.path, {
    listen: [{ at: '127.0.0.1:0', in: 'connect' }],
    rules: [{ to: '127.0.0.1', ports: port }],
  });
  const python =
    'import http.client\n' +
    `c = http.client.HTTPConnection("127.0.0.1", ${proxy.ports[0]}, timeout=15)\n` +
    `c.set_tunnel("127.0.0.1", ${port})\n` +
    'c.request("GET", "/")\nprint(c.getresponse().read().decode())';
  assert.equal(await printed(pythonPath!, '-c', python), 'hello\n');
});

test('nginx and haproxy speak PROXY with it, in and out', async (t) => {
  if (!needs(t, nginxPath !== null && haproxyPath !== null && curlPath !== null, 'nginx, haproxy and curl'))
    return;
  using folder = temporaryFolder();
  const [headed, haproxyIn, haproxyOut] = [await freePort(), await freePort(), await freePort()];
  const seen = '"nginx: $proxy_protocol_addr to $proxy_protocol_server_port"';
  await using nginx = await startNginx({
    http: `server { listen 127.0.0.1:${headed} proxy_protocol; location / { return 200 ${seen}; } }`,
  });
  assert.ok(nginx.port > 0);
  const proxy = (listen: unknown, upstream: number, proxyOut: string) =>
    startProxy(folder.path, { listen: [listen], upstreams: [`127.0.0.1:${upstream}`], proxyOut });
  const trusted = { at: '127.0.0.1:0', proxyFrom: ['127.0.0.0/8'] };
  await using toNginx = await proxy(trusted, headed, 'v2');
  await using toHaproxy = await proxy('127.0.0.1:0', haproxyOut, 'v1');
  const [inPort, outPort] = [toNginx.ports[0]!, toHaproxy.ports[0]!];
  writeFileSync(join(folder.path, 'haproxy.cfg'), haproxyConfig({ haproxyIn, haproxyOut, inPort }));
  await using haproxy = start(haproxyPath!, ['-f', join(folder.path, 'haproxy.cfg')]);
  await untilListening({ port: haproxyIn });
  const get = (port: number, ...args: string[]) =>
    printed(curlPath!, '-s', '-m', '15', ...args, `http://127.0.0.1:${port}/`);
  assert.equal(await get(haproxyIn), `nginx: 127.0.0.1 to ${haproxyIn}`, haproxy.output());
  assert.equal(await get(inPort, '--haproxy-protocol'), `nginx: 127.0.0.1 to ${inPort}`);
  assert.equal(await get(inPort), '', 'from a trusted peer without a header: refused');
  assert.equal(await get(outPort), `haproxy: 127.0.0.1 to ${outPort}`);
});

function haproxyConfig(ports: { haproxyIn: number; haproxyOut: number; inPort: number }): string {
  return `
global
  maxconn 100
defaults
  mode tcp
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend in
  bind 127.0.0.1:${ports.haproxyIn}
  default_backend out
backend out
  server proxy 127.0.0.1:${ports.inPort} send-proxy-v2
frontend headed
  mode http
  bind 127.0.0.1:${ports.haproxyOut} accept-proxy
  http-request return status 200 content-type text/plain lf-string "haproxy: %[src] to %[dst_port]"
`;
}
