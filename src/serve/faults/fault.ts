/**
 * A planted fault: something that makes the server's loop late on purpose, every Nth request, so that the doctor has
 * something to find. Each hit runs on the loop's own thread, before that request's reply, as a careless handler would.
 */
export type Fault = {
  readonly name: string;
  /** One line for help and documents: what a hit does. */
  readonly summary: string;
  /** What the number in `name:amount/every` means. */
  readonly unit: 'duration' | 'bytes';
  /** A spec to copy. */
  readonly example: string;
  /** Makes it ready to hit. `amount` in ns or bytes. */
  plant(amount: number): Planted;
};

export type Planted = {
  /** Once: makes the loop's thread late. */
  hit(): void;
  [Symbol.dispose](): void;
};
