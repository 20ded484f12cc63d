/**
 * Runs `load` without Node's warning that what it uses is experimental: who uses the library did not choose it, and would
 * get the warning once a thread. No other warning is kept back.
 */
export function withoutExperimentalWarning<Value>(load: () => Value): Value {
  type EmitWarning = (warning: string | Error, ...rest: unknown[]) => void;
  const host = process as unknown as { emitWarning: EmitWarning };
  const { emitWarning } = host;
  host.emitWarning = (warning, ...rest) => {
    if (rest[0] !== 'ExperimentalWarning') emitWarning.call(process, warning, ...rest);
  };
  try {
    return load();
  } finally {
    host.emitWarning = emitWarning;
  }
}
