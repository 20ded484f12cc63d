/** Programs on a CPU of their own, and what they used of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Finished = { output: string; wallSec: number; cpuSec: number; userSec: number };

/**
 * Runs a command on one CPU, or a list of them as taskset reads it, to its end. CPU time is of the whole process and its children, start-up included. Throws
 * when the exit status is not one of `statuses`.
 */
export async function runPinned(
  cpu: number | string,
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
  return { output, wallSec: wallSec!, cpuSec: userSec! + systemSec!, userSec: userSec! };
}

export type Server = { pid: number } & AsyncDisposable;

/** A server on one CPU, once it accepts at `address`: a port of the loopback, or a socket's path. Ended by disposal. */
export async function startPinned(
  cpu: number | string,
  command: readonly string[],
  address: number | string,
): Promise<Server> {
  // A benchmark that is killed must not leave servers behind: they would be measured with the next one.
  const untilWeEnd = ['--pdeathsig', 'TERM', 'taskset', '-c', String(cpu)];
  const child = spawn('setpriv', [...untilWeEnd, ...command], { stdio: 'ignore' });
  try {
    await accepting(address, child);
  } catch (error) {
    await end(child);
    throw error;
  }
  return { pid: child.pid!, [Symbol.asyncDispose]: () => end(child) };
}

export type Nginx = { port: number } & Server;

/** nginx on one CPU; every path answers 200 with two bytes, but /status. `workers` of them, a free port of the loopback. */
export async function startNginx(
  cpu: number,
  port: number,
  workers = 1,
  connectionLimit = 4096,
): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-bench-'));
  const config = `
    worker_processes ${workers}; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections ${connectionLimit}; }
    http {
      access_log off; keepalive_requests 1000000000;
      client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
      uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
      server { listen 127.0.0.1:${port} backlog=4096; location / { return 200 "ok"; } location = /status { stub_status; } }
    }`;
  writeFileSync(join(folder, 'nginx.conf'), config);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const command = ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf')];
    const { pid, [Symbol.asyncDispose]: stop } = await startPinned(cpu, command, port);
    const dispose = async () => {
      await stop();
      remove();
    };
    return { port, pid, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    remove();
    throw error;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** Waits until a port or a socket file accepts, five seconds at most. */
async function accepting(address: number | string, child: ChildProcess): Promise<void> {
  let failure: Error | null = null;
  child.once('error', (error) => {
    failure = error;
  });
  for (let i = 0; i < 100; i++) {
    const socket = typeof address === 'number' ? connect(address, '127.0.0.1') : connect(address);
    const opened = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (failure !== null) throw failure;
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`);
    if (opened) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing accepts at ${address}`);
}
