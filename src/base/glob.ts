/**
 * Does the whole text match a pattern in which `*` is any run of characters and `?` any one? Time is at most their
 * product, however many stars: only the last star met is ever tried again.
 */
export function matchesGlob(text: string, pattern: string): boolean {
  let at = 0;
  let wanted = 0;
  let star = -1;
  let resumeAt = 0;
  while (at < text.length) {
    const sign = pattern[wanted];
    if (sign === '*') {
      star = wanted++;
      resumeAt = at;
    } else if (sign !== undefined && (sign === '?' || sign === text[at])) {
      wanted++;
      at++;
    } else if (star >= 0) {
      wanted = star + 1;
      at = ++resumeAt;
    } else return false;
  }
  while (pattern[wanted] === '*') wanted++;
  return wanted === pattern.length;
}
