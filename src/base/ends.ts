/**
 * Cutting text that others wrote, in one pass. A regular expression with a repetition before its `$` begins anew at
 * every place where the repetition could: hours, for a megabyte of the right bytes.
 */

/** The text without all copies of one character at its end: `trimEndOf('a\0\0', '\0')` is "a". */
export function trimEndOf(text: string, char: string): string {
  const code = char.charCodeAt(0);
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === code) end--;
  return text.slice(0, end);
}

/** The text before the first copy of `mark`; all of it when there is none. */
export function upTo(text: string, mark: string): string {
  const at = text.indexOf(mark);
  return at < 0 ? text : text.slice(0, at);
}
