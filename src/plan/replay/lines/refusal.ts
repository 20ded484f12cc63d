/**
 * Why a line is no request. Parsers return one of these numbers for every line, so that nothing is ever dropped
 * without a word.
 */
export const REFUSAL = {
  /** The line was read. */
  none: 0,
  layout: 1,
  binary: 2,
  tooLong: 3,
  cutShort: 4,
  time: 5,
  request: 6,
  escape: 7,
  json: 8,
  clock: 9,
  late: 10,
  /** Not a line about a request: empty, a comment, a recorded reply. */
  aside: 11,
} as const;

export type Refusal = (typeof REFUSAL)[keyof typeof REFUSAL];

/** What a reader is told, by number. */
export const REFUSAL_MEANING: Readonly<Record<Refusal, string>> = {
  [REFUSAL.none]: 'read',
  [REFUSAL.layout]: 'not laid out as the format says',
  [REFUSAL.binary]: 'binary',
  [REFUSAL.tooLong]: 'longer than 1 MiB',
  [REFUSAL.cutShort]: 'cut short at the end of the file',
  [REFUSAL.time]: 'no time that can be read',
  [REFUSAL.request]: 'no method and path in it',
  [REFUSAL.escape]: 'a broken escape in the path',
  [REFUSAL.json]: 'broken JSON',
  [REFUSAL.clock]: 'a clock that jumped and came back',
  [REFUSAL.late]: 'older than the reorder window',
  [REFUSAL.aside]: 'nothing to send: empty, a comment, a reply, or not HTTP',
};
