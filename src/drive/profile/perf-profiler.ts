/** Samples the load threads by perf events, and names what they called: kernel, native code and JavaScript alike. */
import { rmSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { upTo } from '../../base/ends.ts';
import { openThreadSamples, type ThreadSamples } from '../../kernel/perf/perf-samples.ts';
import { createKallsyms } from '../../kernel/symbols/kallsyms.ts';
import { createUserSymbols } from '../../kernel/symbols/user-symbols.ts';
import {
  type ClientProfile,
  PROFILE_RATE_PER_SEC,
  type ProfileFrame,
  type ProfileStack,
} from './client-profile.ts';
import { plainName, withoutArguments } from './plain-name.ts';

const READ_EVERY_MS = 100;
/** Chains that are told apart; a load has some thousands. */
const CHAINS_LIMIT = 100_000;
/** Stacks named at the cost of one look. */
const NAMED_TOGETHER = 20;

type NamedFrame = ProfileFrame & { isScript: boolean };

type Chain = { threadIndex: number; addresses: readonly bigint[]; kernelCount: number; count: number };

export class PerfProfiler {
  readonly #withKernel: boolean;
  readonly #samples: ThreadSamples[] = [];
  readonly #chains = new Map<string, Chain>();
  #timer: NodeJS.Timeout | undefined;
  #readNs = 0;
  #sampleCount = 0;
  #notKept = 0;

  constructor(withKernel: boolean) {
    this.#withKernel = withKernel;
  }

  /** Has V8 write down the names of what it compiles, from now on: before the load threads begin. perf(1) reads it too. */
  prepare(): void {
    // Whoever presses Ctrl-C twice leaves without dispose().
    process.once('exit', removeNames);
    setFlagsFromString('--perf-basic-prof');
    setFlagsFromString('--interpreted-frames-native-stack');
  }

  /** Begins to sample these threads. */
  start(tids: readonly number[]): void {
    for (const tid of tids) {
      const samples = openThreadSamples(tid, PROFILE_RATE_PER_SEC, this.#withKernel);
      if (typeof samples !== 'number') this.#samples.push(samples);
    }
    this.#timer = setInterval(() => this.#read(), READ_EVERY_MS);
  }

  #read(): void {
    const before = process.threadCpuUsage();
    this.#samples.forEach((samples, threadIndex) => {
      samples.read((addresses, kernelCount) => {
        this.#sampleCount++;
        const key = `${threadIndex} ${kernelCount} ${addresses.join(' ')}`;
        const known = this.#chains.get(key);
        if (known) known.count++;
        else if (this.#chains.size < CHAINS_LIMIT) {
          this.#chains.set(key, { threadIndex, addresses, kernelCount, count: 1 });
        } else this.#notKept++;
      });
    });
    this.#readNs += cpuNsSince(before);
  }

  /** Names all that was seen: some tenths of a second. */
  finish(): ClientProfile {
    this.#read();
    const before = process.threadCpuUsage();
    const stacks = nameChains([...this.#chains.values()]);
    return {
      source: this.#withKernel ? 'perf' : 'perf-user',
      ratePerSec: PROFILE_RATE_PER_SEC,
      sampleCount: this.#sampleCount,
      lostCount: this.#samples.reduce((sum, { lostCount }) => sum + lostCount, this.#notKept),
      readNs: this.#readNs,
      nameNs: cpuNsSince(before),
      unseen: this.#withKernel
        ? ''
        : 'time in the kernel is not in it: to see that takes root, or kernel.perf_event_paranoid at 1',
      stacks,
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const samples of this.#samples.splice(0)) samples[Symbol.dispose]();
    process.off('exit', removeNames);
    removeNames();
  }
}

/** What V8 wrote down, where perf(1) looks for it. */
function removeNames(): void {
  rmSync(`/tmp/perf-${process.pid}.map`, { force: true });
}

function cpuNsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) * 1e3;
}

function nameChains(chains: readonly Chain[]): ProfileStack[] {
  const kernel = createKallsyms();
  const user = createUserSymbols(process.pid);
  const known = new Map<string, NamedFrame>();
  const nameOf = (address: bigint, isKernel: boolean, isReturn: boolean): NamedFrame => {
    const key = `${isKernel ? 'k' : isReturn ? 'r' : 'u'}${address}`;
    let frame = known.get(key);
    if (frame === undefined) {
      frame = isKernel ? kernelFrame(address) : userFrame(address, isReturn);
      known.set(key, frame);
    }
    return frame;
  };
  const kernelFrame = (address: bigint): NamedFrame => {
    const name = upTo(kernel.symbolize(address), '+0x');
    return { name, kernel: true, isScript: false };
  };
  const userFrame = (address: bigint, isReturn: boolean): NamedFrame => {
    const { name, file } = user.locate(address, isReturn);
    if (name === null)
      return { name: file === null ? '[unknown]' : `[${file}]`, kernel: false, isScript: false };
    const isScript = file === null;
    return { name: isScript ? plainName(name) : withoutArguments(name), kernel: false, isScript };
  };
  return chains.map(({ threadIndex, addresses, kernelCount, count }, i) => {
    if (i % NAMED_TOGETHER === 0) user.image.beginLook();
    const frames = addresses
      .map((address, at) => nameOf(address, at < kernelCount, at > 0 && at !== kernelCount))
      .reverse();
    // What is outside of the first script is how Node runs any thread.
    const first = frames.findIndex(({ isScript }) => isScript);
    const inner = frames
      .slice(Math.max(0, first))
      .map(({ name, kernel: inKernel }) => ({ name, kernel: inKernel }));
    return { frames: [{ name: `load thread ${threadIndex}`, kernel: false }, ...inner], count };
  });
}
