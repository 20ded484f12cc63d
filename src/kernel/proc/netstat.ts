import { readProcText } from './read-text.ts';

/** TCP counters of one network namespace, since it was made. Null: not in these files. */
export type NetStat = {
  listenOverflows: number | null;
  listenDrops: number | null;
  requestQueueFullDrops: number | null;
  synRetransmits: number | null;
  retransSegs: number | null;
  timeWaitSockets: number | null;
};

/** The three files below /proc/PID/net that hold them. proc_pid_net(5) */
export const NET_FILES = ['netstat', 'snmp', 'sockstat'] as const;

/** Texts of netstat, snmp and sockstat; null for one that could not be read. */
export function parseNetStat(netstat: string | null, snmp: string | null, sockstat: string | null): NetStat {
  const extended = fieldsOf(netstat ?? '', 'TcpExt:');
  const timeWait = /^TCP: .*\btw (\d+)/m.exec(sockstat ?? '')?.[1];
  return {
    listenOverflows: extended.get('ListenOverflows') ?? null,
    listenDrops: extended.get('ListenDrops') ?? null,
    requestQueueFullDrops: extended.get('TCPReqQFullDrop') ?? null,
    synRetransmits: extended.get('TCPSynRetrans') ?? null,
    retransSegs: fieldsOf(snmp ?? '', 'Tcp:').get('RetransSegs') ?? null,
    timeWaitSockets: timeWait === undefined ? null : Number(timeWait),
  };
}

/** As the process sees it: its network namespace may be another than ours. */
export function readNetStat(pid: number): NetStat {
  const [netstat, snmp, sockstat] = NET_FILES.map((name) => readProcText(`/proc/${pid}/net/${name}`));
  return parseNetStat(netstat!, snmp!, sockstat!);
}

/** These files hold pairs of lines: the names, then the values. */
function fieldsOf(text: string, prefix: string): Map<string, number> {
  const fields = new Map<string, number>();
  const lines = text.split('\n').filter((line) => line.startsWith(`${prefix} `));
  const names = lines[0]?.split(' ') ?? [];
  const values = lines[1]?.split(' ') ?? [];
  for (let i = 1; i < names.length; i++) {
    const value = Number(values[i] ?? Number.NaN);
    if (Number.isFinite(value)) fields.set(names[i]!, value);
  }
  return fields;
}
