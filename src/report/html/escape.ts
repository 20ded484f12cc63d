import { printable } from '../../base/printable.ts';

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text of a process or a machine as the text of an element, or the value of an attribute. */
export function escapeHtml(text: string): string {
  return printable(text, 1000).replace(/[&<>"']/g, (char) => ENTITIES[char]!);
}
