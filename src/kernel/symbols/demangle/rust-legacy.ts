/** Rust's older names: C++ nested names whose last part is a hash, with punctuation spelt out. rustc-demangle's form. */

const ESCAPES: Record<string, string> = {
  SP: '@',
  BP: '*',
  RF: '&',
  LT: '<',
  GT: '>',
  LP: '(',
  RP: ')',
  C: ',',
};

/** Null when it is no such name. The hash is left out. */
export function demangleRustLegacy(mangled: string): string | null {
  const match = /^_ZN(.+)17h[0-9a-f]{16}E(?:\.[\w.$@]*)?$/.exec(mangled);
  if (!match) return null;
  const parts: string[] = [];
  const text = match[1]!;
  for (let at = 0; at < text.length; ) {
    const digits = /^[1-9]\d{0,4}/.exec(text.slice(at, at + 5))?.[0];
    if (!digits) return null;
    const from = at + digits.length;
    at = from + Number(digits);
    if (at > text.length) return null;
    parts.push(unescapePart(text.slice(from, at)));
  }
  return parts.join('::');
}

function unescapePart(part: string): string {
  return part
    .replace(/^_\$/, '$')
    .replaceAll('..', '::')
    .replace(/\$([A-Z]{1,2}|u[0-9a-f]{1,6})\$/g, (whole, code: string) => {
      if (!code.startsWith('u')) return ESCAPES[code] ?? whole;
      const point = Number.parseInt(code.slice(1), 16);
      return point >= 0x20 && point < 0x110000 ? String.fromCodePoint(point) : whole;
    });
}
