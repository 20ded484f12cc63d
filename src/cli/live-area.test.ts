// Goal: lines redrawn in place leave nothing behind, at any width and after any resize. Method: a small terminal that
// understands what LiveArea writes, and wraps again what it holds when it is made narrower, as most terminals do.
import assert from 'node:assert/strict';
import test from 'node:test';
import { LiveArea } from './live-area.ts';

const ESC = '\x1b';
const TOKENS = new RegExp(`${ESC}\\[\\?7[hl]|${ESC}\\[\\d*[A-Z]|\\r|\\n|[^${ESC}\\r\\n]+`, 'g');
const SEQUENCE = new RegExp(`^${ESC}\\[(\\d*)([A-Z])$`);

/** Rows of a screen. `joined`: the row goes on in the next one, because it was wrapped; such rows are reflowed. */
class FakeTerminal {
  columns: number;
  rows: { text: string; joined: boolean }[];
  row: number;
  at = 0;
  writes = 0;
  wraps = true;
  constructor(columns: number, before: string[]) {
    this.columns = columns;
    this.rows = [...before, ''].map((text) => ({ text, joined: false }));
    this.row = before.length;
  }
  write(text: string): void {
    this.writes++;
    for (const [token] of text.matchAll(TOKENS)) this.#token(token);
  }
  /** Wraps anew what is there; the cursor stays at the end of the text, where it is between draws. */
  resize(columns: number): void {
    const lines: string[] = [];
    let open = false;
    for (const { text, joined } of this.rows) {
      if (open) lines.push(lines.pop()! + text);
      else lines.push(text);
      open = joined;
    }
    this.columns = columns;
    this.rows = lines.flatMap((line) => {
      const count = Math.max(1, Math.ceil(line.length / columns));
      return Array.from({ length: count }, (_, i) => ({
        text: line.slice(i * columns, (i + 1) * columns),
        joined: i < count - 1,
      }));
    });
    this.row = this.rows.length - 1;
    this.at = this.rows[this.row]!.text.length;
  }
  #token(token: string): void {
    const here = this.rows[this.row]!;
    const sequence = SEQUENCE.exec(token);
    if (token.startsWith(`${ESC}[?7`)) this.wraps = token.endsWith('h');
    else if (token === '\r') this.at = 0;
    else if (token === '\n') this.#down();
    else if (sequence?.[2] === 'A') this.row = Math.max(0, this.row - Number(sequence[1]));
    else if (sequence) {
      here.text = sequence[1] === '2' ? '' : here.text.slice(0, this.at);
      here.joined = false;
      if (sequence[2] === 'J') this.rows.length = this.row + 1;
    } else this.#print(token);
  }
  #down(): void {
    this.row++;
    this.rows[this.row] ??= { text: '', joined: false };
    this.at = 0;
  }
  #print(text: string): void {
    for (const char of text) {
      if (this.at >= this.columns) {
        if (!this.wraps) continue;
        this.rows[this.row]!.joined = true;
        this.#down();
      }
      const here = this.rows[this.row]!;
      here.text = here.text.slice(0, this.at).padEnd(this.at) + char + here.text.slice(this.at + 1);
      this.at++;
    }
  }
}

const shown = (terminal: FakeTerminal) =>
  terminal.rows
    .map(({ text }) => text)
    .join('\n')
    .trimEnd();

test('each draw replaces the last, in one write', () => {
  const terminal = new FakeTerminal(40, ['$ loopscope']);
  const area = new LiveArea(terminal);
  area.draw(['first line', 'a longer second line']);
  assert.equal(shown(terminal), '$ loopscope\nfirst line\na longer second line');
  area.draw(['1', '2']);
  assert.equal(shown(terminal), '$ loopscope\n1\n2');
  area.draw(['alone']);
  assert.equal(shown(terminal), '$ loopscope\nalone');
  assert.equal(terminal.writes, 3);
});

test('erased, the terminal is as it was, and the next text begins there', () => {
  const terminal = new FakeTerminal(40, ['$ loopscope']);
  const area = new LiveArea(terminal);
  area.draw(['one', 'two']);
  area.erase();
  area.erase();
  terminal.write('report');
  assert.equal(shown(terminal), '$ loopscope\nreport');
});

test('made narrower or wider in the middle, nothing is left over and nothing above is touched', () => {
  for (const [from, to] of [
    [80, 50],
    [80, 30],
    [80, 17],
    [30, 80],
    [80, 79],
  ] as const) {
    const terminal = new FakeTerminal(from, ['$ loopscope', 'kept']);
    const area = new LiveArea(terminal);
    const line = 'x'.repeat(from - 3);
    area.draw([line, line]);
    terminal.resize(to);
    area.draw(['a', 'b']);
    assert.equal(shown(terminal), '$ loopscope\nkept\na\nb', `${from} → ${to}`);
    area.erase();
    assert.equal(shown(terminal), '$ loopscope\nkept');
  }
});

test('narrower some time before we are told, as in tmux: nothing is left over either', () => {
  const told = { columns: 80 };
  const terminal = new FakeTerminal(80, ['$ loopscope', 'kept']);
  const area = new LiveArea({
    get columns() {
      return told.columns;
    },
    write: (text) => terminal.write(text),
  });
  const line = 'x'.repeat(70);
  area.draw([line, line]);
  terminal.resize(50);
  area.draw([line, line]);
  area.draw([line, line]);
  told.columns = 50;
  area.draw(['a', 'b']);
  assert.equal(shown(terminal), '$ loopscope\nkept\na\nb');
  assert.ok(terminal.wraps, 'wrapping is on again');
});

test('^C that the terminal echoes behind the last line goes with the next draw', () => {
  const terminal = new FakeTerminal(40, ['$ loopscope']);
  const area = new LiveArea(terminal);
  area.draw(['one', 'two']);
  terminal.write('^C');
  area.draw(['one', 'two']);
  assert.equal(shown(terminal), '$ loopscope\none\ntwo');
});
