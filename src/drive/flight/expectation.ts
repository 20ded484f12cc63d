import type { ReplyParser } from '../../wire/codec.ts';

/** What is known beforehand of the replies to requests, each by itself. */
export type Expectation = {
  /**
   * Called for each reply in time, just parsed, to this request: null when it is good, empty when its status alone says
   * what is wrong.
   */
  judge(variant: number, parser: ReplyParser): string | null;
};
