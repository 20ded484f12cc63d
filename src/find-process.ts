/**
 * "1234", "nginx", ":8080", "cgroup:/system.slice/nginx.service" or "cmd:gunicorn app" → the pids to watch. Masters only:
 * their worker children are found by the observer.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { trimEndOf } from './base/ends.ts';
import { LoopscopeError } from './base/errors.ts';
import { printable } from './base/printable.ts';
import { numericNames, readProcText } from './kernel/proc/read-text.ts';

/** The kernel takes one argument of at most this (MAX_ARG_STRLEN), execve(2); what a program makes of its own may be longer. */
const COMMAND_LINE_LIMIT_BYTES = 128 << 10;
const PROGRAM_NAME_LIMIT_BYTES = 4096;

/** The words are a pid: of one process, and no other that bears it later. */
export function isPid(text: string): boolean {
  return /^\d+$/.test(text);
}

/** As findProcesses, in the middle of a watch: nobody, now, is an answer. */
export function findProcessesAgain(text: string): number[] {
  try {
    return findProcesses(text);
  } catch (error) {
    if (error instanceof LoopscopeError) return [];
    throw error;
  }
}

/** Pids that the user's words mean. Throws NO_SUCH_PROCESS, with what to try, when there are none. */
export function findProcesses(text: string): number[] {
  if (isPid(text)) return [existingPid(Number(text))];
  if (/^:\d+$/.test(text)) return ownersOfPort(Number(text.slice(1)));
  const [, how, what] = /^(cgroup|cmd):(.*)$/s.exec(text) ?? [];
  if (text === '' || text.startsWith('-') || what === '') {
    throw new LoopscopeError(
      'USAGE',
      `"${printable(text)}" is not a pid, a name, a :port, a cgroup:PATH or a cmd:TEXT`,
      'try 1234, nginx, :8080, cgroup:nginx.service or cmd:app.js',
    );
  }
  if (how === 'cgroup') return membersOf(what!);
  if (how === 'cmd') return startedAs(what!);
  return pidsNamed(text);
}

function existingPid(pid: number): number {
  const stat = readStat(pid);
  if (stat === null) {
    throw new LoopscopeError(
      'NO_SUCH_PROCESS',
      `no process has pid ${pid}`,
      'see ps -e, or give a name or a :port',
    );
  }
  if (stat.state === 'Z') {
    throw new LoopscopeError('NO_SUCH_PROCESS', `process ${pid} has ended and waits for its parent (zombie)`);
  }
  return pid;
}

function pidsNamed(name: string): number[] {
  const parents = new Map<number, number>();
  for (const pid of numericNames('/proc')) {
    if (pid === process.pid) continue;
    const stat = readStat(pid);
    if (stat && stat.state !== 'Z' && (stat.comm === name || programName(pid) === name))
      parents.set(pid, stat.parentPid);
  }
  // A worker whose parent has the name too is found through that parent.
  const masters = [...parents].filter(([, parentPid]) => !parents.has(parentPid)).map(([pid]) => pid);
  if (masters.length === 0) {
    throw new LoopscopeError(
      'NO_SUCH_PROCESS',
      `no process is named ${printable(name)}`,
      'see ps -e, or give its pid',
    );
  }
  return masters;
}

/** Everybody in a control group or below it: its whole path, or the last parts of it. cgroups(7) */
function membersOf(group: string): number[] {
  const wanted = `/${trimSlashes(group)}/`;
  const fromRoot = group.startsWith('/');
  const isMember = (path: string) => {
    const whole = `${trimEndOf(path, '/')}/`;
    return fromRoot ? whole.startsWith(wanted) : whole.includes(wanted);
  };
  const pids = numericNames('/proc').filter(
    (pid) => pid !== process.pid && cgroupPaths(readProcText(`/proc/${pid}/cgroup`) ?? '').some(isMember),
  );
  if (pids.length === 0) {
    throw new LoopscopeError(
      'NO_SUCH_PROCESS',
      `no process is in the control group ${printable(group)}`,
      'see systemd-cgls, or cat /proc/PID/cgroup of one that should be',
    );
  }
  return mastersOf(pids);
}

function trimSlashes(group: string): string {
  let from = 0;
  while (group[from] === '/') from++;
  return trimEndOf(group.slice(from), '/');
}

/** Paths of one process's groups: lines "id:controllers:path". Exported for tests. */
export function cgroupPaths(text: string): string[] {
  return text
    .split('\n')
    .map((line) => /^\d+:[^:]*:(\/.*)$/s.exec(line)?.[1])
    .filter((path) => path !== undefined);
}

/** Those whose command line contains the text; not we, nor the shell that was told to start us with that very text. */
function startedAs(text: string): number[] {
  const ours = new Set<number>();
  for (let pid = process.pid; pid > 1 && !ours.has(pid); pid = readStat(pid)?.parentPid ?? 0) ours.add(pid);
  const pids = numericNames('/proc').filter((pid) => {
    if (ours.has(pid)) return false;
    const words = readProcText(`/proc/${pid}/cmdline`, COMMAND_LINE_LIMIT_BYTES) ?? '';
    return wordsOf(words).includes(text) && readStat(pid)?.state !== 'Z';
  });
  if (pids.length === 0) {
    throw new LoopscopeError(
      'NO_SUCH_PROCESS',
      `no command line contains "${printable(text)}"`,
      'see ps -ef, or give a pid',
    );
  }
  return mastersOf(pids);
}

/** Arguments joined by spaces. Exported for tests. */
export function wordsOf(commandLine: string): string {
  return trimEndOf(commandLine, '\0').replaceAll('\0', ' ');
}

/** Without those whose parent is among them: a worker is found through its master. */
function mastersOf(pids: readonly number[]): number[] {
  const all = new Set(pids);
  return pids.filter((pid) => !all.has(readStat(pid)?.parentPid ?? 0));
}

function ownersOfPort(port: number): number[] {
  // Those that listen stand first in these files: a megabyte holds seven thousand.
  const inodes = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => listeningInodes(readProcText(path) ?? '', port)),
  );
  if (inodes.size === 0) {
    throw new LoopscopeError('NO_SUCH_PROCESS', `nothing listens on TCP port ${port}`, 'see ss -ltn');
  }
  const owners = numericNames('/proc').filter((pid) => ownsSocket(pid, inodes));
  if (owners.length === 0) {
    throw new LoopscopeError(
      'NO_SUCH_PROCESS',
      `port ${port} is open, but its owner is not visible to this user`,
      `give the pid, or run as root`,
    );
  }
  return owners.filter((pid) => !owners.includes(readStat(pid)?.parentPid ?? 0));
}

/** Inodes of sockets listening on a port, from the text of /proc/net/tcp (proc_net_tcp(5): state 0A is LISTEN). */
export function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) && fields[3] === '0A')
    .map((fields) => fields[9] ?? '');
}

function ownsSocket(pid: number, inodes: Set<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode !== undefined && inodes.has(inode);
    });
  } catch {
    return false; // gone meanwhile, or another user's
  }
}

/** comm may hold spaces and parentheses: the fields begin after the last ")" (proc_pid_stat(5)). */
function readStat(pid: number): { comm: string; state: string; parentPid: number } | null {
  const text = readProcText(`/proc/${pid}/stat`);
  const open = text?.indexOf('(') ?? -1;
  const close = text?.lastIndexOf(')') ?? -1;
  if (!text || open < 0 || close < open) return null;
  const fields = text.slice(close + 2).split(' ');
  return { comm: text.slice(open + 1, close), state: fields[0] ?? '?', parentPid: Number(fields[1]) };
}

/** Last part of argv[0], without what programs add to it ("nginx: master process" is nginx). */
function programName(pid: number): string | null {
  const first = readProcText(`/proc/${pid}/cmdline`, PROGRAM_NAME_LIMIT_BYTES)?.split('\0', 1)[0];
  return first ? (first.split(/[ :]/)[0]?.split('/').at(-1) ?? null) : null;
}
