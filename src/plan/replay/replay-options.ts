import type { ForwardOptions } from '../../wire/codec.ts';
import type { SessionKind } from './formats/log-format.ts';

/** How the log's own times become those of the replay. */
export type ReplayPace =
  /** 2: twice as fast as it was. */
  | { kind: 'speed'; factor: number }
  /** Scaled so that the mean rate is this; the files are read once beforehand to know theirs. */
  | { kind: 'rate'; perSec: number }
  /** As fast as replies come: all is due at once. */
  | { kind: 'max' };

/** "status=5*", taken apart. Of several patterns one must match; `*` and `?` as in a shell. */
export type ReplayCondition = { key: 'method' | 'status' | 'path'; patterns: readonly string[] };

/** A path that begins with `from` begins with `to` instead. */
export type ReplayRewrite = { from: string; to: string };

/** What is replayed, and how. Structured-clonable, because a worker thread runs the reader. */
export type ReplayOptions = {
  /** Paths of logs; "-" is standard input. With `follow` it is one, that is read on as it grows. */
  files: readonly string[];
  follow?: boolean;
  /** A name of LOG_FORMATS, or the log's own log_format or LogFormat string; recognised from the first lines without. */
  format?: string;
  /** Which key of a JSON line holds what: "time=ts,method=req.method". */
  fields?: string;
  /** Path of an nginx.conf that has the log_format; `format` is then a name there. */
  nginxConf?: string;
  /** What tells clients apart; the most exact that the log carries without one. */
  session?: SessionKind;
  /** For `session` header: its name. */
  sessionHeader?: string;
  /** Of the Host header, where the log has no host of its own: "127.0.0.1:8080". */
  host: string;
  /** The requests go to a forward proxy. */
  forward?: ForwardOptions;
  /** Sent with each request; one that the log has too replaces it. */
  headers?: readonly (readonly [name: string, value: string])[];
  /** Default: as fast as it was. */
  pace?: ReplayPace;
  /** Only what came between: ISO times, or HH:MM:SS as the log's clock shows it for the first time. */
  from?: string;
  to?: string;
  /** From the beginning again when it ends, for ever. Files only. */
  loop?: boolean;
  /** GET, HEAD and OPTIONS alone without it. */
  unsafeMethods?: boolean;
  /** A request must match one pattern of each key that is named. */
  only?: readonly ReplayCondition[];
  /** A request that matches one of these is left out. */
  skip?: readonly ReplayCondition[];
  /** Of the clients, 0 to 1: all requests of a client are in, or none. */
  sampleShare?: number;
  rewrites?: readonly ReplayRewrite[];
  /** Bodies of the logged size where the log has the size alone. */
  filler?: boolean;
  /** Of the times within a whole second. Default 1. */
  seed?: number;
};
