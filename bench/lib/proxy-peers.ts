/** TCP proxies as others build them, and ours, each on one CPU in front of one server. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOOPSCOPE } from './loopscope.ts';
import { type Server, startPinned } from './pinned.ts';

export type ProxyPeer = { name: string; port: number } & Server;

type Configured = { text: string; command(path: string): string[] };

const nginxStream = (port: number, upstreamPort: number, folder: string): Configured => {
  return {
    text: `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
      worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
      events { worker_connections 4096; }
      stream { server { listen 127.0.0.1:${port} backlog=4096; proxy_pass 127.0.0.1:${upstreamPort}; } }`,
    command: (path) => ['nginx', '-p', folder, '-c', path, '-e', `${folder}/error.log`],
  };
};

/** TCP mode, one thread; splice in both directions where it finds that worth while, as its manual advises for bulk. */
const haproxy = (port: number, upstreamPort: number): Configured => {
  return {
    text: `global
  nbthread 1
  maxconn 4096
defaults
  mode tcp
  option splice-auto
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen relay
  bind 127.0.0.1:${port}
  server one 127.0.0.1:${upstreamPort}
`,
    command: (path) => ['haproxy', '-db', '-f', path],
  };
};

/** Starts proxies on `cpu`, from `firstPort` on. */
export async function startProxies(
  names: readonly string[],
  cpu: number,
  firstPort: number,
  upstreamPort: number,
): Promise<ProxyPeer[]> {
  const started: ProxyPeer[] = [];
  for (const [i, name] of names.entries())
    started.push(await startOne(name, cpu, firstPort + i, upstreamPort));
  return started;
}

async function startOne(name: string, cpu: number, port: number, upstreamPort: number): Promise<ProxyPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-bench-'));
  const own = commandOf(name, port, upstreamPort);
  let command = own ?? [];
  if (own === null) {
    const configured =
      name === 'haproxy' ? haproxy(port, upstreamPort) : nginxStream(port, upstreamPort, folder);
    const path = join(folder, 'conf');
    writeFileSync(path, configured.text);
    command = configured.command(path);
  }
  const { pid, [Symbol.asyncDispose]: stop } = await startPinned(cpu, command, port);
  const dispose = async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { name, port, pid, [Symbol.asyncDispose]: dispose };
}

/** "ring" and "epoll" are ours, "floor-ring" and "floor-epoll" the barest relay; null for the others'. */
function commandOf(name: string, port: number, upstreamPort: number): string[] | null {
  if (name === 'ring' || name === 'epoll') {
    const ends = ['--listen', `127.0.0.1:${port}`, '--upstream', `127.0.0.1:${upstreamPort}`];
    return [LOOPSCOPE, 'serve', 'proxy', ...ends, '--backend', name, '--backlog', '4096'];
  }
  if (!name.startsWith('floor-')) return null;
  const script = join(import.meta.dirname, 'bare-relay.ts');
  const backend = name.slice('floor-'.length);
  return [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    script,
    `${port}`,
    `${upstreamPort}`,
    backend,
  ];
}
