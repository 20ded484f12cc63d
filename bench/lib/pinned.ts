/** Programs on a CPU of their own, and what they used of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Finished = { output: string; cpuSec: number; wallSec: number };

/**
 * Runs a command on one CPU to its end. CPU time is of the whole process and its children, start-up included. Throws
 * when the exit status is not one of `statuses`.
 */
export async function runPinned(
  cpu: number,
  command: readonly string[],
  statuses: readonly number[] = [0],
): Promise<Finished> {
  // bash's time keyword: rusage of the children it waited for.
  const script = 'TIMEFORMAT="TIMES %R %U %S"; time "$@"';
  const child = spawn('bash', ['-c', script, 'bash', 'taskset', '-c', String(cpu), ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const [status] = (await once(child, 'close')) as [number | null];
  const times = /TIMES ([\d.]+) ([\d.]+) ([\d.]+)/.exec(errors);
  if (!statuses.includes(status ?? -1) || times === null)
    throw new Error(`${command.join(' ')} failed:\n${errors}${output}`);
  const [wallSec, userSec, systemSec] = times.slice(1).map(Number);
  return { output, wallSec: wallSec!, cpuSec: userSec! + systemSec! };
}

export type Nginx = { port: number; pid: number } & AsyncDisposable;

/** nginx on one CPU; every path answers 200 with two bytes, but /status. `workers` of them, a free port of the loopback. */
export async function startNginx(cpu: number, port: number, workers = 1): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-bench-'));
  const config = `
    worker_processes ${workers}; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 4096; }
    http {
      access_log off; keepalive_requests 1000000000;
      client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
      uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
      server { listen 127.0.0.1:${port}; location / { return 200 "ok"; } location = /status { stub_status; } }
    }`;
  writeFileSync(join(folder, 'nginx.conf'), config);
  const child = spawn(
    'taskset',
    ['-c', String(cpu), 'nginx', '-p', folder, '-c', join(folder, 'nginx.conf')],
    {
      stdio: 'ignore',
    },
  );
  const dispose = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await accepting(port);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { port, pid: child.pid!, [Symbol.asyncDispose]: dispose };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** Waits until a port accepts, five seconds at most. */
async function accepting(port: number): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const socket = connect(port, '127.0.0.1');
    const opened = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (opened) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing accepts on port ${port}`);
}
