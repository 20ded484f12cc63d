/**
 * Names and paths of other people's processes are hostile text: prctl(PR_SET_NAME) and execve take any byte. Before
 * one is put in a sentence, whatever could move a cursor, start an escape sequence, break a line or turn the reading
 * direction round is shown as "·", and the length is bounded.
 */
export function printable(text: string, maxLength = 120): string {
  let out = '';
  let length = 0;
  for (const char of text) {
    if (length === maxLength) return `${out}…`;
    out += isHarmless(char.codePointAt(0)!) ? char : '·';
    length++;
  }
  return out;
}

function isHarmless(code: number): boolean {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false; // C0, DEL, C1
  if (code === 0xad || code === 0x61c || code === 0xfeff) return false; // soft hyphen, Arabic mark, BOM
  if (code >= 0x200b && code <= 0x200f) return false; // zero width, left-to-right and right-to-left marks
  if (code >= 0x2028 && code <= 0x202e) return false; // line and paragraph separators, embeddings, overrides
  if (code >= 0x2060 && code <= 0x206f) return false; // invisible operators, isolates
  return !(code >= 0xd800 && code <= 0xdfff); // lone surrogates
}
