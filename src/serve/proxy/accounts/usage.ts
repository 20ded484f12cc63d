/** What is counted for one user and destination. Times are of connections, summed: two open for a second are two seconds. */
export type Usage = {
  /** From client to upstream, as the kernel counted it at close. */
  upBytes: number;
  /** From upstream to client. */
  downBytes: number;
  connections: number;
  connectionNs: number;
  /** Connections of which the kernel counted otherwise than the data path, and by how many bytes in all. */
  differingConnections: number;
  differingBytes: number;
  /** Connections ended because a quota was used up. */
  cutConnections: number;
};

export const USAGE_FIELDS = [
  'upBytes',
  'downBytes',
  'connections',
  'connectionNs',
  'differingConnections',
  'differingBytes',
  'cutConnections',
] as const satisfies readonly (keyof Usage)[];

export function noUsage(): Usage {
  return {
    upBytes: 0,
    downBytes: 0,
    connections: 0,
    connectionNs: 0,
    differingConnections: 0,
    differingBytes: 0,
    cutConnections: 0,
  };
}

export function addUsage(to: Usage, more: Readonly<Usage>): void {
  for (const field of USAGE_FIELDS) to[field] += more[field];
}

export function isNoUsage(usage: Readonly<Usage>): boolean {
  return USAGE_FIELDS.every((field) => usage[field] === 0);
}
