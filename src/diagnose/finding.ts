/** The stable culprit ids. A contract: documented, tested, changed only with a CHANGELOG line. */
export const CULPRITS = [
  'healthy',
  'unexplained',
  'server.gone',
  'server.silent',
  'server.endless',
  'client.saturated',
  'client.synchronised',
  'observer.overhead',
  'observer.ptrace',
  'accept.thundering-herd',
  'accept.stranded',
  'accept.queue-overflow',
  'accept.imbalance',
  'wait.timer-slack',
  'cpu.contended',
  'cpu.preempted',
  'cpu.kernel-thread',
  'cpu.throttled',
  'cpu.steal',
  'loop.heavy-handler',
  'loop.saturated',
  'loop.too-many-events',
  'io.fsync',
  'io.disk',
  'block.synchronous-call',
  'block.lock',
  'memory.major-fault',
] as const;

export type CulpritId = (typeof CULPRITS)[number];

export type Confidence = 'high' | 'medium' | 'low';

/** One measured fact. `text` is a full sentence with the number in it; value and unit are for machines. */
export type Evidence = {
  metric: string;
  value: number | string;
  unit: string;
  text: string;
};

/** A culprit with its share of the excess (0–1), what proves it and what to do. */
export type Finding = {
  culprit: CulpritId;
  share: number;
  confidence: Confidence;
  /** One line: who did what to whom, with names and numbers. */
  headline: string;
  evidence: Evidence[];
  advice: string[];
};

/** A culprit that was looked at and found innocent, and the number that cleared it. */
export type ClearedSuspect = { culprit: CulpritId; why: string };

export type SelfVerdict = 'PASS' | 'WARN' | 'VOID' | 'SKIP';

/** One check of the tool on itself. SKIP: it could not be made here, and `text` says why. */
export type SelfCheck = {
  name: string;
  verdict: SelfVerdict;
  value: number | null;
  unit: string;
  limit: number | null;
  /** The value must reach the limit; absent: it must not pass it. */
  isLeast?: boolean;
  text: string;
  /** The percentiles a VOID withholds. */
  spoils: ('response' | 'service' | 'lateness')[];
  /**
   * Only quantiles above this one (0–1) are spoilt, whatever the verdict: the tail comes from a part of the run that
   * was no measurement. Absent: a VOID spoils all of them.
   */
  spoilsFrom?: number;
};

/** What `doctor --json` prints. */
export type Diagnosis = {
  verdict: Finding;
  contributors: Finding[];
  suspectsCleared: ClearedSuspect[];
  evidence: Evidence[];
  self: { verdict: SelfVerdict; checks: SelfCheck[]; couldNotSee: string[] };
};
