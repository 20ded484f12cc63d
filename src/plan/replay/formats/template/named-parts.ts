import { CAPTURE, type Capture, type TemplatePart } from './template.ts';

/** "<client> [<stamp>] …" with the names of CAPTURE: for formats that nobody configures. */
export function partsFrom(line: string): TemplatePart[] {
  return line
    .split(/(<\w+>)/)
    .filter((text) => text !== '')
    .map((text) => {
      const name = /^<(\w+)>$/.exec(text)?.[1] as keyof typeof CAPTURE | undefined;
      return name === undefined ? { literal: text } : { capture: CAPTURE[name] as Capture, name: text };
    });
}
