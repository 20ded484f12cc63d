/** nginx between the load and the agent: its stream module passes the bytes on, one connection to the agent for each client. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type NginxProxy = { target: string; pid: number; [Symbol.asyncDispose](): Promise<void> };

const PLACES = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx', '/usr/local/nginx/sbin/nginx'];
const MODULES = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules', '/usr/local/nginx/modules'];
const MODULE = 'ngx_stream_module.so';

/** How nginx can be started here, or why it cannot. */
export function findNginxStream(): { path: string; load: string } | { why: string } {
  const path = PLACES.find((place) => existsSync(place));
  if (path === undefined) return { why: 'nginx is not installed' };
  const built = spawnSync(path, ['-V'], { encoding: 'utf8' });
  const options = `${built.stdout}${built.stderr}`;
  const folder = MODULES.find((place) => existsSync(join(place, MODULE)));
  if (folder !== undefined) return { path, load: `load_module ${join(folder, MODULE)};` };
  if (/--with-stream(\s|$)/.test(options)) return { path, load: '' };
  return { why: 'this nginx has no stream module (Debian: libnginx-mod-stream)' };
}

/** One worker. Throws when it does not listen within five seconds. */
export async function startNginxProxy(
  nginx: { path: string; load: string },
  agentPath: string,
): Promise<NginxProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-nginx-'));
  const socket = join(folder, 'front.sock');
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${nginx.load}
daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 4096; }
stream { server { listen unix:${socket}; proxy_pass unix:${agentPath}; proxy_timeout 1h; } }
`,
  );
  const child = spawn(
    nginx.path,
    ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')],
    {
      stdio: 'ignore',
    },
  );
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const dispose = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let i = 0; i < 100; i++) {
    if (await answers(socket))
      return { target: `unix:${socket}`, pid: child.pid!, [Symbol.asyncDispose]: dispose };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await dispose();
  throw new Error('nginx did not listen within 5 s');
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
