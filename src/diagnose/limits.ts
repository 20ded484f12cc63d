/**
 * Every threshold the doctor judges by, each with its reason, so that calibrating means editing this file alone.
 * docs/reference/culprits.md and docs/reference/self-checks.md quote these values; a test compares them.
 */
import { NS_PER_MS, NS_PER_S, NS_PER_US } from '../base/units.ts';

/** When lost time is worth a name. */
export const EXCESS = {
  /**
   * Share of one loop's time. Requests arrive at random moments, so a loop that is late for 1 % of its time makes at
   * least 1 % of its requests late: this is where the p99 starts to move.
   */
  ownShare: 0.01,
  /**
   * The same for what comes from the host (other processes, kernel threads) when it has many faces: every shared host
   * has hiccups, and twice as many are still weather.
   */
  hostShare: 0.03,
  /**
   * Noise has many faces, a fault has one: when one process did this much of it, 1 % is enough. A busy process on the
   * core of an nginx worker at 2000 requests a second was seen to cost it 1.4–2.9 % of its time, alone; one in the
   * idle scheduling class nothing.
   */
  soleActorShare: 0.6,
  /** …and it happened this often: a single busy moment of another process is no neighbour. */
  soleActorCount: 10,
  /** …and it was busy for half of the run: short-lived work (a compiler, a cron job) comes and goes on any host. */
  soleActorCpus: 0.5,
  /** Steal is the hypervisor's daily weather; below 5 % of a loop's time it is noted, not blamed. */
  stealShare: 0.05,
  /**
   * A wake-up is late because something arrived, so the share of late wake-ups, not of time, tells how many requests
   * that made late. One in a hundred moves the p99…
   */
  lateWakeShare: 0.01,
  /** …when there are enough of them to speak of a share… */
  lateWakeCount: 10,
  /** …and they add up to something. */
  lateWakeTimeShare: 0.005,
  /** Time that no evidence explains is blamed on nothing: only when it is large is it worth a verdict. */
  unexplainedShare: 0.05,
  /** Once is an accident, twice a coincidence. */
  repetitions: 3,
  /** …unless the loop's own work stood still this long at once (a 22 s hang happens once). */
  singleStallNs: 500 * NS_PER_MS,
  /** A request is late from here, the smallest budget of a cycle… */
  affectedNs: 2 * NS_PER_MS,
  /** …and when requests were measured, a host cause that made fewer of them than this late is not a culprit. */
  affectedRequestShare: 0.005,
} as const;

/** Shares of the excess. */
export const SHARE = {
  /** Half of the excess: no other cause can have more. */
  primary: 0.5,
  /** Removing less than a fifth would hardly be noticed. */
  contributing: 0.2,
  /**
   * Steal falls on whatever runs. Where it has no majority, and a cause in the guest has this much of its share, that one
   * is the verdict: it can be mended here.
   */
  nearTie: 0.75,
  /** Unexplained beyond this share of the excess is the verdict itself: never guess. */
  unexplained: 0.5,
} as const;

/** How one stall is split. */
export const STALL = {
  /** Calm cycles tell what an event usually costs while they hold at least this share of the events. */
  calmEventShare: 0.5,
  /** A part of a stall counts as a delay of its own from here; below, it is a bystander. */
  countedNs: 200 * NS_PER_US,
  /** Overshoot tolerated above the legal slack of fs/select.c: the ordinary cost of waking up. */
  slackGraceNs: 200 * NS_PER_US,
  /** A turn has too many events from this multiple of the usual number. */
  manyEventsFactor: 5,
  /** …and never below this many: five events instead of one are not a crowd. */
  manyEventsFloor: 8,
  /** Share of on-CPU time that usual work on that many events leaves unaccounted for. */
  heavyExtraShare: 0.5,
  /**
   * Budgets that one event takes alone: then it is heavy for an event loop, even when every event of this loop is.
   * Below that, events at their usual cost are usual work.
   */
  heavyEventBudgets: 1,
  /** Share of on-CPU time in user mode below which it was the kernel's work, not the handler's. */
  heavyUserShare: 0.5,
  /** Distance of CPU samples, about. */
  sampleNs: NS_PER_MS,
  /** The observer's record of one stall holds so many. */
  samplesKept: 8,
  /** Shorter stays on the CPU may miss their few samples by chance. */
  sampledFromNs: 4 * NS_PER_MS,
  /** A thread that computed shows nearly all of its samples, one whose CPU was stopped about one. */
  sampledShare: 0.25,
} as const;

/** What lets run-queue time be charged. */
export const RUN_QUEUE = {
  /**
   * Throttled time is charged with its share of the run-queue delay from here on: a fifth can contribute. The verdict
   * needs half of the excess all the same.
   */
  throttledShare: 0.2,
  /** Periods throttled before a quota is blamed: once or twice is a burst. */
  throttledPeriods: 3,
  /**
   * Run-queue delay outside stalls counts as lost from this share of a loop's time: enough wake-ups a second
   * cost a few per cent on any idle machine.
   */
  diffuseShare: 0.1,
  /** …and from this mean delay for each time it queued: below it is the ordinary cost of waking up. */
  diffuseMeanNs: 500 * NS_PER_US,
  /** Names from stalls seen in full stand for stalls seen by counters only when they cover this share of them. */
  extrapolateShare: 0.1,
  /** …and at least two of them agree to lend a name. */
  extrapolateStalls: 2,
  /** Neighbours are charged by CPU time only when together they used at least this share of the delay. */
  neighbourCover: 0.5,
  /** Steal counted by the host from this share on may explain what a stall's own account leaves unexplained. */
  hostStealShare: 0.02,
} as const;

/** When the tool's own load fills the machine, so that loops queue behind each other because of it. */
export const CROWD = {
  /** CPUs that loopscope used. */
  ownCpus: 0.2,
  /** Share of all CPU time left idle. */
  idleShare: 0.2,
} as const;

export const SATURATION = {
  /** No idle time to speak of. */
  busyShare: 0.95,
  /** CPU time's share of the busy time: a loop that is blocked or queueing all day is late, not saturated. */
  cpuShareOfBusy: 0.5,
  /** Answers fewer than this share of what was planned: more was offered than achieved. */
  achievedShare: 0.98,
  /** …or the usual request waited this long for a free connection. */
  queueNs: NS_PER_MS,
  /** Stalls with another named cause that take this share of the loop's time come before saturation. */
  otherCauseShare: 0.2,
  /** Usual number of ready events at each look when nobody measured the queue: work was always waiting. */
  eventsWaiting: 2,
} as const;

export const SYNCHRONISED = {
  /** Index of dispersion when lock-step was asked for: three times Poisson at the better of 1 ms and 10 ms. */
  askedIdc: 3,
  /** When it was not asked for: ten times Poisson at 10 ms. Ten client hiccups of 20 ms in ten
   * seconds at 2000 a second make it 2.2. */
  unaskedIdc: 10,
  /** …and gaps below 150 µs this much more frequent than chance. */
  unaskedShortGapExcess: 0.2,
} as const;

export const HERD = {
  /** Fewer connections say nothing of how they are shared. */
  connections: 20,
  /** Wake-ups that came to nothing, of all wake-ups of the workers: a fifth of their scheduling is for nothing… */
  vainShare: 0.2,
  /** …and of these at least one for every two connections: with two workers there can be one for each. */
  vainPerConnection: 0.5,
} as const;

export const IMBALANCE = {
  /** Connections for each worker, on average: fewer are uneven by chance. */
  connectionsPerLoop: 4,
  /** Busiest worker's connections over the mean. */
  connectionsFactor: 2,
  /** …and this many standard deviations of a fair deal above it. */
  sigmas: 4,
  /** Busiest worker's CPU time over the mean: more connections that ask for nothing hurt nobody. */
  cpuFactor: 1.5,
  /** It hurts when the busiest has no time for half of what comes… */
  busyShare: 0.5,
  /** …while the others wait for most of theirs. */
  othersWaitShare: 0.5,
  /** Below this the busiest is idle as well, and how it is shared does not matter. */
  mentionShare: 0.1,
} as const;

export const STRANDED = {
  /** Connections wait this long at every look: a worker's usual stall is shorter than three looks. */
  waitNs: 300 * NS_PER_MS,
  /** …and there are this many of them. */
  connections: 3,
  /** Looks are 100 ms apart; one that the observer was late for does not end the wait. */
  gapNs: 350 * NS_PER_MS,
  /** A worker that had work for less than this of the time could have taken them. */
  freeShare: 0.5,
} as const;

export const OVERFLOW = {
  /** Once is an accident, twice a coincidence. */
  connections: 3,
  /** …which are most of what overflowed on the whole host, or the queue was seen full. */
  hostShare: 0.5,
  /** Looks that found a Unix socket's queue full, as share of all: its refusals are counted by nobody. */
  fullShare: 0.02,
} as const;

export const FIT = {
  /** Windows of a quarter of a second: two seconds. */
  windows: 8,
  /** Of the wake-ups' sum of squares, what events do not explain: at less any split of the CPU time fits. */
  independence: 0.05,
  /** Share of the CPU time's variation that events and wake-ups explain together. */
  r2: 0.8,
} as const;

export const OBSERVER = {
  /** In CPUs: the tool costs more than a tenth of one. */
  overheadCpu: 0.1,
  /** Share of one loop's time that the tool's own threads may take before the run says more about it than the server. */
  interferenceShare: 0.05,
} as const;

export const TAIL = {
  /** A response tail worth explaining even though no loop was late: p99 over this… */
  p99Ns: 10 * NS_PER_MS,
  /** …and over this multiple of the median. */
  p99OverP50: 20,
  /** Failed requests (errors and timeouts) from this share on mean that the server is not healthy. */
  failedShare: 0.01,
} as const;

/** What held up the load itself. */
export const HINDRANCE = {
  /** The server gone or silent for 1 % of the run: that is where the p99 starts to move. */
  share: 0.01,
  /** A client, or a server, that does nothing for so long stands still: no scheduler, collector or disk is that slow. */
  stillNs: 500 * NS_PER_MS,
  /** …and a server is silent, not slow, when it usually answers in a tenth of that. */
  silenceOverP50: 10,
  /** Not one reply came: a loop that lost less than half of its time does not explain that. */
  lostShare: 0.5,
} as const;

/** The tool's judgement of itself. */
export const SELF = {
  /** The client's own lateness as a share of the reported p99: from a tenth on it is felt… */
  latenessWarn: 0.1,
  /** …from a third on the figure is as much the client's as the server's. */
  latenessVoid: 0.3,
  /** Below this a late send cannot be told from the cost of one wake-up. */
  latenessWarnFloorNs: 200 * NS_PER_US,
  /**
   * Below this it is the machine's: beside a busy neighbour a runnable thread may wait for one tick of the scheduler
   * (4 ms at 250 Hz). On a shared two-CPU guest 2–3 ms at p99 were seen with a client that used a tenth of a CPU.
   */
  latenessVoidFloorNs: 5 * NS_PER_MS,
  /** CPU time, chosen spinning taken off, over wall time, of the busiest thread: bursts need the rest. */
  clientCpuWarn: 0.7,
  /** Hardly idle any more: what comes late may be its own doing. */
  clientCpuVoid: 0.9,
  /** Time runnable but not running, of the worst thread: a twentieth shows in the p95. */
  clientRunQueueWarn: 0.05,
  /** A fifth of the time away, and late by it. */
  clientRunQueueVoid: 0.2,
  /** Stopped for 1 % of the time, 1 % of the requests are measured late. */
  clientThrottledWarn: 0.01,
  /** Five times that reaches well into every tail. */
  clientThrottledVoid: 0.05,
  /** Index of dispersion in 10 ms windows: 0 is constant, 1 is Poisson. */
  constantIdcMax: 0.2,
  /** What sending from a real machine may add to or take from 1. */
  poissonIdcTolerance: 0.2,
  /** Standard deviations of a Poisson sample's own index of dispersion that the tolerance must at least cover. */
  idcSigmas: 4,
  /** One second of 10 ms windows. */
  idcMinWindows: 100,
  /** Two a window: fewer say nothing of bursts. */
  idcMinArrivals: 200,
  /** Further from the schedule than this is another load than the one asked for. */
  idcVoidExcess: 5,
  /** Tolerance at 1 ms, where every late wake-up shows, as a multiple of that at 10 ms. */
  idc1msFactor: 2.5,
  /** Gaps judged one by one must be longer than a wake-up: below, dispersion at 1 ms says it all. */
  gapsMinMeanNs: 50 * NS_PER_US,
  /** Fewer gaps say little of their distribution. */
  gapsMinCount: 200,
  /** Anderson–Darling: one Poisson run in a hundred is doubted by chance… */
  gapsP: 0.01,
  /** …and the distance must be this large, in standard deviations: about ten percentage points at the median. */
  gapsDistance: 0.2,
  /** Standard deviation of constant gaps over their mean… */
  gapsVariation: 0.5,
  /** …when it is this much in absolute terms. */
  gapsDeviationNs: 200 * NS_PER_US,
  /** Correlation of a gap with the one before: independent users have none. */
  gapsLag1: 0.05,
  /** Share of requests that come in step with a period nobody asked for. */
  rhythmShare: 0.1,
  /** …and its power over that of chance, which is 1: once in ten thousand runs by chance. */
  rhythmPower: 10,
  /** Gaps below 150 µs beyond what chance would make, where only these were counted. */
  shortGapExcess: 0.2,
  /** Answered or failed, over planned: below it the load followed the server. */
  rateHeld: 0.995,
  /** Requests that may wait for a connection at the end of any second: those of the turn under way. */
  pendingAllowed: 5,
  /** Mann–Kendall over blocks of a second: one run in a hundred warns by chance. */
  trendP: 0.01,
  /** …and a change that a reader of percentiles would notice. */
  trendChange: 0.05,
  /** The fewest blocks that can reach p < 0.01 with room for one exception. */
  trendMinBlocks: 7,
  /** …and this much in absolute terms: nobody feels a p50 that moves from 100 to 106 µs. */
  trendMinNs: 50 * NS_PER_US,
  /** A warm-up is told when it changes the p99 by this much: as for a trend. */
  warmupChange: 0.05,
  /** Slowest thread's p99 over the fastest's: they drive the same server at the same rate. */
  threadsRatio: 1.5,
  /** Requests a thread must have for its p99. */
  threadsMinCount: 1_000,
  /** The three times of a request must add up, on average, to this… */
  clocksShare: 0.05,
  /** …and this much in absolute terms. */
  clocksNs: 10 * NS_PER_US,
  /** What replies waited for in the client, as a share of the p99: from a tenth on it is felt… */
  queueingWarn: 0.1,
  /** …from a third on the figure is as much the client's as the server's, if it is long enough to matter. */
  queueingVoid: 0.3,
  /** Below this, waiting in the client is the ordinary cost of handling several replies in a turn. */
  queueingFloorNs: 100 * NS_PER_US,
  /** The client stood still for 1 % of the time: that is where the p99 is. */
  pausesWarn: 0.01,
  /** Responses within 5 % of 1, 3 or 7 s, over those expected from their neighbourhood… */
  retryFactor: 3,
  /** …and at least this many. */
  retryMinCount: 5,
  /** Local ports in use, TIME_WAIT among them, over those there are. */
  portsWarn: 0.8,
  /** Ports that Linux gives out unless it is told otherwise (32768–60999). ip(7), ip_local_port_range */
  portsDefault: 28_232,
  /** Requests in flight against throughput times service time: two counts of one thing. */
  littlesLaw: 0.02,
  /** Fewer replies make the mean itself uncertain by more. */
  littlesLawMinCount: 1_000,
  /** …and this many requests in flight: below it the sampled mean is too coarse for 2 %. */
  littlesLawMinInFlight: 0.5,
  /** The median must be ten times what the timers resolve. */
  resolutionFactor: 10,
  /** Samples beyond a quantile: with fewer, one request more or less moves it. */
  samplesBeyond: 10,
  /** CPUs: what watching may cost before it has to be said. */
  observerCost: 0.03,
  /** Share of a loop's time behind the tool's own threads: the same 1 % as for any culprit. */
  interference: 0.01,
  /** Half of that for the host's noise, which is only told, not blamed. */
  hostNoise: 0.005,
  /** From here on the p99 may be a refusal. */
  outcomesWarn: 0.01,
} as const;

/** Where the client's time went, and what it ran out of. */
export const CLIENT = {
  /** Looks at a thread that can tell a part of a tenth from nothing. */
  minLooks: 40,
  /** Parts smaller than this are not told… */
  partShown: 0.005,
  /** …and none below a tenth is a reason: without it the rest would take as long. */
  partWorth: 0.1,
  /** Asleep or spinning for less of its time, the client had no time to wait for a server. */
  neverIdle: 0.1,
  /** Bytes allocated for each reply. Built-in codecs were seen to make up to 320 in a short run, mostly while V8 compiles. */
  allocatedBytes: 512,
  /** Fewer replies do not make up for what the start allocates. */
  minReplies: 1_000,
  /** Processes named beside the client. */
  rivalsTold: 3,
  /** Closed loop: connections in use on average, of those asked for; with fewer they were missing. */
  connectionsUsed: 0.9,
  /** Of a network card's speed: with headers and gaps no more is to be had. */
  cardUse: 0.9,
} as const;

/** How true a replay must be to its log. */
export const REPLAY = {
  /** Kolmogorov–Smirnov distance of the gaps sent from those asked for: a twentieth of them may be elsewhere. */
  gapsDistance: 0.05,
  /** A fifth of the gaps elsewhere is another traffic. */
  gapsVoid: 0.2,
  /** Gaps that differ by less than a wake-up count as equal… */
  gapsToleranceNs: 50 * NS_PER_US,
  /** …or by less than this share of the mean gap, whichever is less. */
  gapsToleranceShare: 0.1,
  /** Index of dispersion sent, over that asked for: between 0.9 and 1.1. */
  dispersionOff: 0.1,
  /** The last requests may be late by this share of the schedule… */
  lagWarn: 0.001,
  /** …and a schedule this far behind at its end was not kept. */
  lagVoid: 0.01,
  /** Less is the cost of one wake-up, however short the schedule. */
  lagFloorNs: NS_PER_MS,
  /** Sends that tell where a replay ended: those of its last second, or more if there were fewer. */
  lagMinCount: 20,
  /** Lines refused, over lines read: one in a hundred is felt in every rate… */
  refusedWarn: 0.01,
  /** …and when most are, the format is another one. */
  refusedVoid: 0.5,
  /** Requests that waited for their client’s one before: they did not go out at the log’s time. */
  waitedWarn: 0.05,
  /** Requests that the reader of the log handed over too late: enough to see in a p99.9… */
  starvedWarn: 0.001,
  /** …and in a p99… */
  starvedVoid: 0.01,
  /** …when it was late by this much. */
  starvedVoidNs: 5 * NS_PER_MS,
} as const;

/** When a verdict is sure of itself. */
export const CONFIDENCE = {
  /** Dominates: everything else together is less than half of it. */
  highShare: 0.7,
  /** Little is left that could change the picture. */
  highUnexplained: 0.15,
  /** Seen often enough not to be chance. */
  highStalls: 10,
  /** More of it inferred than seen is never sure. */
  highEstimated: 0.5,
  /** Half of the excess, or it is one of several. */
  mediumShare: 0.5,
  /** The known must outweigh the unknown. */
  mediumUnexplained: 0.4,
  /** A healthy verdict from fewer cycles than this is not a strong one. */
  healthyCycles: 1_000,
  /** …nor one from a shorter time: faults that come every few seconds would be missed. */
  healthyTimeNs: 5 * NS_PER_S,
} as const;

/** Two loops' stalls count as simultaneous when they overlap or start within this. */
export const SCOPE_WITHIN_NS = 10 * NS_PER_MS;
