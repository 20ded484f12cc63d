/** Times of day, for finding in another log what a report or a watch tells. Given in ms since 1970. */

/** "2026-11-29T14:03:22.413Z", as JSON and logs have it. */
export function isoTime(wallMs: number): string {
  // A time that no Date holds is that of a hostile file.
  const date = new Date(wallMs);
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString();
}

/** "14:03:22.413", of this machine's time zone: for a screen. */
export function clockTime(wallMs: number): string {
  const date = new Date(wallMs);
  const two = (value: number) => String(value).padStart(2, '0');
  const whole = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${whole}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
