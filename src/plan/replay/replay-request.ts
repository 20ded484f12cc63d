/**
 * One request of a log, ready to be sent, in the order in which they are due. The reader of logs fills one such object
 * again and again; whoever takes it copies what is to be kept.
 */
export type ReplayRequest = {
  /** When it is due, ns since the replay began: the log's own time, speed applied. 0 throughout at full speed. */
  plannedNs: number;
  /** Which client sent it: 32 bits. Requests of one client go out in the order in which they come here. */
  session: number;
  /** The encoded request is [start, end) of these, good until the next request is read. */
  bytes: Uint8Array;
  start: number;
  end: number;
  /** HEAD: the reply has no body whatever its headers say. */
  noBody: boolean;
  /** "Connection: close" is in it: nothing may follow on its connection. */
  closes: boolean;
  /** An index below ROUTE_LIMIT; their names are known at the end. */
  route: number;
  /** As the log has it; 0: not known. */
  loggedStatus: number;
  /** Of the reply's body, as the log has it; −1: not known. */
  loggedBytes: number;
  /** How long the server says that it took; −1: not known. */
  loggedNs: number;
};

/** Routes have figures of their own, whose room is set aside before a log is read; all further ones share the last. */
export const ROUTE_LIMIT = 32;

/** An empty one, to be filled. */
export function createReplayRequest(): ReplayRequest {
  return {
    plannedNs: 0,
    session: 0,
    bytes: new Uint8Array(0),
    start: 0,
    end: 0,
    noBody: false,
    closes: false,
    route: 0,
    loggedStatus: 0,
    loggedBytes: -1,
    loggedNs: -1,
  };
}
