/** "1234", "nginx" or ":8080" → the pids to watch. Masters only: their worker children are found by the observer. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { LoopscopeError } from './base/errors.ts';
import { printable } from './base/printable.ts';

/** Pids that the user's words mean. Throws NO_SUCH_PROCESS, with what to try, when there are none. */
export function findProcesses(text: string): number[] {
  if (/^\d+$/.test(text)) return [existingPid(Number(text))];
  if (/^:\d+$/.test(text)) return ownersOfPort(Number(text.slice(1)));
  if (text === '' || text.startsWith('-')) {
    throw new LoopscopeError(
      'USAGE',
      `"${text}" is not a pid, a name or a :port`,
      'try 1234, nginx or :8080',
    );
  }
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
  for (const pid of allPids()) {
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

function ownersOfPort(port: number): number[] {
  const inodes = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => listeningInodes(readText(path) ?? '', port)),
  );
  if (inodes.size === 0) {
    throw new LoopscopeError('NO_SUCH_PROCESS', `nothing listens on TCP port ${port}`, 'see ss -ltn');
  }
  const owners = allPids().filter((pid) => ownsSocket(pid, inodes));
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

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** comm may hold spaces and parentheses: the fields begin after the last ")" (proc_pid_stat(5)). */
function readStat(pid: number): { comm: string; state: string; parentPid: number } | null {
  const text = readText(`/proc/${pid}/stat`);
  const open = text?.indexOf('(') ?? -1;
  const close = text?.lastIndexOf(')') ?? -1;
  if (!text || open < 0 || close < open) return null;
  const fields = text.slice(close + 2).split(' ');
  return { comm: text.slice(open + 1, close), state: fields[0] ?? '?', parentPid: Number(fields[1]) };
}

/** Last part of argv[0], without what programs add to it ("nginx: master process" is nginx). */
function programName(pid: number): string | null {
  const first = readText(`/proc/${pid}/cmdline`)?.split('\0')[0];
  return first ? (first.split(/[ :]/)[0]?.split('/').at(-1) ?? null) : null;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
