/** What people watch a server with otherwise, attached to a running process and detached again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export type OtherTool = {
  name: string;
  /** Attaches it; what it gives detaches it. */
  begin(): Promise<() => Promise<void>>;
};

/** For tools that say nothing when they are ready. */
const READY_MS = 1500;
const STEP_MS = 20;

/** Work, wait and events of each cycle, and accepts: as much as tier 0 counts. */
const cycleScript = (tid: number) => `
tracepoint:syscalls:sys_enter_epoll_wait /tid == ${tid}/ {
  @entered = nsecs;
  if (@began) { @work = hist(nsecs - @began); @cycles = count(); }
}
tracepoint:syscalls:sys_exit_epoll_wait /tid == ${tid}/ {
  if (@entered) { @wait = hist(nsecs - @entered); @events = hist(args->ret); }
  @began = nsecs;
}
tracepoint:syscalls:sys_exit_accept4 /tid == ${tid}/ { @accepts[args->ret >= 0] = count(); }`;

export function otherTools(pid: number): OtherTool[] {
  const target = String(pid);
  const isTraced = () => /^TracerPid:\t[1-9]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return [
    tool('strace -c', ['strace', '-c', '-f', '-o', '/dev/null', '-p', target], isTraced),
    tool('perf trace -s', ['perf', 'trace', '-s', '-o', '/dev/null', '-p', target]),
    tool('bpftrace', ['bpftrace', '-o', '/dev/null', '-e', cycleScript(pid)]),
  ];
}

function tool(name: string, command: [string, ...string[]], isReady: () => boolean = () => false): OtherTool {
  return {
    name,
    async begin() {
      const [program, ...args] = command;
      const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
      let errors = '';
      child.stderr.on('data', (chunk) => {
        errors += chunk;
      });
      const exited = once(child, 'exit');
      const deadline = performance.now() + READY_MS;
      while (performance.now() < deadline && !isReady()) {
        if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${errors}`);
        await delay(STEP_MS);
      }
      return async () => {
        child.kill('SIGINT');
        await exited;
      };
    },
  };
}
