import fc from 'fast-check';

/** Every code point that UTF-8 has a form for, half of them ASCII, where what is special to a parser mostly is. */
const codePoint = fc.oneof(
  fc.integer({ min: 0, max: 0x7f }),
  fc.integer({ min: 0, max: 0xd7ff }),
  fc.integer({ min: 0xe000, max: 0x10_ffff }),
);

/**
 * Texts of up to `maxLength` code points, control characters and all. They are those of fc.string({ unit: 'binary' }), which
 * takes seconds to build its table of all characters, in each file anew.
 */
export function anyText(maxLength: number): fc.Arbitrary<string> {
  return fc.array(codePoint, { maxLength }).map((points) => String.fromCodePoint(...points));
}
