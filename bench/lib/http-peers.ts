/** Other HTTP load tools: how each is told to keep N connections busy for a time, and how its output is read. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { compileOnce } from '../../src/observe/testing/compile-once.ts';
import { runPinned } from './pinned.ts';
import type { Sample } from './rounds.ts';

export type LoadTask = { cpu: number; target: string; connections: string; seconds: string };

export type HttpPeer = {
  name: string;
  /** Where it comes from, for who does not have it. */
  source: string;
  command(task: LoadTask): string[];
  /** Requests answered, and the seconds they took by the tool's own account. */
  read(output: string, task: LoadTask): { count: number; sec: number };
};

/** ab keeps 40 bytes for each request it may make; so many a second are more than it can. */
const AB_PER_SEC = 400_000;

/** `autocannon` is the path of its script. */
export function httpPeers(autocannon: string): HttpPeer[] {
  return [
    {
      name: 'wrk',
      source: "Debian's wrk",
      command: (task) => ['wrk', '-t1', `-c${task.connections}`, `-d${task.seconds}`, task.target],
      read: (output) => {
        const count = numberIn(output, /(\d+) requests in/);
        return { count, sec: count / numberIn(output, /Requests\/sec:\s+([\d.]+)/) };
      },
    },
    {
      name: 'h2load --h1',
      source: "Debian's nghttp2-client",
      command: ({ connections, seconds, target }) => [
        'h2load',
        '--h1',
        '-t1',
        `-c${connections}`,
        '-D',
        seconds,
        target,
      ],
      read: (output, { seconds }) => ({
        count: numberIn(output, /requests: .* (\d+) succeeded/),
        sec: Number(seconds),
      }),
    },
    {
      name: 'ab -k',
      source: "Debian's apache2-utils",
      // -t means at most 50 000 requests, unless -n comes after it.
      command: ({ connections, seconds, target }) => {
        const most = String(Math.ceil(Number(seconds) * AB_PER_SEC));
        return ['ab', '-q', '-k', '-c', connections, '-t', seconds, '-n', most, target];
      },
      read: (output) => ({
        count: numberIn(output, /Complete requests:\s+(\d+)/),
        sec: numberIn(output, /Time taken for tests:\s+([\d.]+)/),
      }),
    },
    {
      name: 'hey',
      source: "Debian's hey",
      command: ({ connections, seconds, target }) => ['hey', '-z', `${seconds}s`, '-c', connections, target],
      read: (output) => {
        const sec = numberIn(output, /Total:\s+([\d.]+) secs/);
        return { count: numberIn(output, /Requests\/sec:\s+([\d.]+)/) * sec, sec };
      },
    },
    {
      name: 'autocannon',
      source: 'npm: autocannon 9',
      command: ({ connections, seconds, target }) => [
        process.execPath,
        autocannon,
        '-j',
        '-n',
        '-c',
        connections,
        '-d',
        seconds,
        target,
      ],
      read: (output) => {
        const result = JSON.parse(output) as { '2xx': number; duration: number };
        return { count: result['2xx'], sec: result.duration };
      },
    },
  ];
}

/** No tool: what the kernel and two system calls cost (bare-client.c). Null without a C compiler. */
export function bareClient(): HttpPeer | null {
  const program = compileOnce(new URL('bare-client.c', import.meta.url));
  if (program === null) return null;
  return {
    name: 'bare C',
    source: 'a C compiler',
    command: ({ connections, seconds, target }) => [program, new URL(target).port, connections, seconds],
    read: (output) => ({
      count: numberIn(output, /(\d+) replies/),
      sec: numberIn(output, /in ([\d.]+) s/),
    }),
  };
}

/** Whether the program, or the script that Node is to run, is there. */
export function isInstalled(peer: HttpPeer, task: LoadTask): boolean {
  const [program, script] = peer.command(task);
  if (program === process.execPath) return existsSync(script!);
  try {
    execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program!], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** CPU is of the whole process, its threads and children. */
export async function runPeer(peer: HttpPeer, task: LoadTask): Promise<Sample> {
  const { output, cpuSec } = await runPinned(task.cpu, peer.command(task));
  const { count, sec } = peer.read(output, task);
  return { requestsPerSec: count / sec, cpuUsPerRequest: (cpuSec * 1e6) / count };
}

function numberIn(output: string, pattern: RegExp): number {
  const text = pattern.exec(output)?.[1];
  if (text === undefined) throw new Error(`${pattern} is not in:\n${output}`);
  return Number(text);
}
