/**
 * Ctrl-C and SIGTERM end a run, not the program: what was measured is still reported. A second one ends everything at
 * once. Probes, rings and worker threads are owned by this process and go with it in either case.
 */
export type Interrupt = {
  readonly signal: AbortSignal;
  /** 128 + the signal's number when one came, else null. */
  exitStatus(): number | null;
  [Symbol.dispose](): void;
};

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Listens from now until disposed. */
export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  let status: number | null = null;
  const listeners = Object.entries(SIGNALS).map(([name, code]) => {
    const listener = () => {
      if (status !== null) process.exit(code);
      status = code;
      controller.abort();
    };
    process.on(name, listener);
    return [name, listener] as const;
  });
  return {
    signal: controller.signal,
    exitStatus: () => status,
    [Symbol.dispose]() {
      for (const [name, listener] of listeners) process.off(name, listener);
    },
  };
}
