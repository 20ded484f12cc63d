// Goal: data files and templates give exactly the values they hold, or an error that points at the line. Method: tables,
// and properties: whatever is written as RFC 4180 says is read back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseJsonText } from '../../base/input/json-text.ts';
import { parseCsv } from './csv.ts';
import { formatOf, parseTable, tableOf } from './table.ts';
import { parseTemplate } from './template.ts';

const rows = (text: string) => parseCsv(text, 'x.csv').rows;

test('CSV by example', () => {
  const table: [string, string[][]][] = [
    ['a,b\n1,2\n', [['1', '2']]],
    ['a,b\r\n1,2\r\n3,4', [['1', '2'], ['3', '4']]], // biome-ignore format: one row a line
    ['\ufeffa\n1', [['1']]],
    ['a,b\n"1,5","say ""hi"""\n', [['1,5', 'say "hi"']]],
    ['a,b\n"two\nlines",x\n', [['two\nlines', 'x']]],
    ['a,b\n"two\r\nlines",\n', [['two\r\nlines', '']]],
    ['a\n\n\n1\n\n', [['1']]],
    ['a\n""\n', [['']]],
    ['a,b\n,\n', [['', '']]],
    ['a\n 1 \n', [[' 1 ']]],
    ['a\n1\r2\n', [['1\r2']]],
  ];
  for (const [text, expected] of table) assert.deepEqual(rows(text), expected, JSON.stringify(text));
});

test('CSV refused, with the line', () => {
  const table: [string, RegExp][] = [
    ['', /x\.csv: is empty/],
    ['a,\n1,2', /x\.csv:1: column 2 has no name/],
    ['a,a\n1,2', /x\.csv:1: two columns are named "a"/],
    ['a,b\n1,2\n3\n', /x\.csv:3: has 1 field, and the first line names 2/],
    ['a,b\n"x\ny",2\n1,2,3\n', /x\.csv:4: has 3 fields/],
    ['a\nx"y\n', /x\.csv:2: a quotation mark within a field/],
    ['a\nfine\n"open\nnever\n', /x\.csv:3: a quoted field is not closed/],
    ['a\n"x"y\n', /x\.csv:2: "y" after a closing quotation mark/],
  ];
  for (const [text, message] of table) {
    assert.throws(() => rows(text), { code: 'USAGE', message }, JSON.stringify(text));
  }
});

test('what is written as RFC 4180 says is read back, whatever it is', () => {
  const field = fc.oneof(fc.string(), fc.constantFrom('"', ',', '\n', '\r\n', '\r', ' ', 'é', '{{x}}'));
  const always = (value: string) => `"${value.replaceAll('"', '""')}"`;
  const ifNeeded = (value: string) => (/^[^",\r\n]+$/.test(value) ? value : always(value));
  const width = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(
      width.chain((columns) =>
        fc.array(fc.array(field, { minLength: columns, maxLength: columns }), { minLength: 1 }),
      ),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      (table, lineEnd, quoteAll) => {
        const names = table[0]!.map((_, i) => `c${i}`);
        const write = quoteAll ? always : ifNeeded;
        const text = [names, ...table].map((row) => row.map(write).join(',')).join(lineEnd);
        const read = parseCsv(text, 'x.csv');
        assert.deepEqual(read.rows, table);
        assert.deepEqual(parseCsv(text + lineEnd, 'x.csv').rows, table);
        read.lines.forEach((line, i) => {
          const before = [names, ...table.slice(0, i)].map((row) => row.map(write).join(',')).join(lineEnd);
          assert.equal(line, before.split('\n').length + 1);
        });
      },
    ),
    { numRuns: 300 },
  );
});

test('CSV of any bytes is read or refused, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('"', ',', '\n', '\r', 'a', ' ')), (parts) => {
      try {
        parseCsv(parts.join(''), 'x.csv');
      } catch (error) {
        assert.equal((error as { code: string }).code, 'USAGE');
      }
    }),
    { numRuns: 1000 },
  );
});

test('JSONL: an object a line, empty lines passed over, values keep their types', () => {
  const table = parseTable('{"a":1,"b":"x"}\n\n{"b":[true],"c":null}\r\n', 'jsonl', 'x.jsonl');
  assert.deepEqual(table.columns, ['a', 'b', 'c']);
  assert.deepEqual(table.rows, [
    [1, 'x', undefined],
    [undefined, [true], null],
  ]);
  assert.deepEqual(table.lines, [1, 3]);
  const bad: [string, RegExp][] = [
    ['{"a":1}\n{"a":}', /x\.jsonl:2:6: not JSON: "}"/],
    ['{"a":1}\n[1]', /x\.jsonl:2: is not a JSON object/],
    ['\n\n', /x\.jsonl: has no rows/],
  ];
  for (const [text, message] of bad) {
    assert.throws(() => parseTable(text, 'jsonl', 'x.jsonl'), { code: 'USAGE', message }, text);
  }
  assert.deepEqual(['a.csv', 'a.JSONL', 'a.ndjson', 'a.txt', 'csv'].map(formatOf), [
    'csv',
    'jsonl',
    'jsonl',
    null,
    null,
  ]);
});

test('JSON that is none: the line and column where it stops being one', () => {
  const table: [string, RegExp][] = [
    ['', /x:1:1: not JSON: the text ends too early/],
    ['{\n  "a": 1,\n}', /x:3:1: not JSON: "}" after a comma/],
    ['{"a": tru}', /x:1:7: not JSON: "tru" is not expected/],
    ['[1, 2', /x:1:6: not JSON: the text ends/],
    ['{"a" 1}', /x:1:6: not JSON: "1"/],
    ["{'a': 1}", /x:1:2: .*quotation mark/],
    ['{\n// why\n"a": 1}', /x:2:1: .*comment/],
    ['{"a": "x\ty"}', /x:1:9: /],
    ['{"a": "\\x"}', /x:1:8: /],
    ['1 2', /x:1:3: /],
    ['01', /x:1:2: /],
    ['[]]', /x:1:3: /],
    ['{"a": {}, "b": [1, [2,, 3]]}', /x:1:23: /],
  ];
  for (const [text, message] of table) {
    assert.throws(() => parseJsonText(text, 'x'), { code: 'USAGE', message }, text);
  }
});

test('JSON broken anywhere: the place found is at or before the break, and never past it', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.nat(), (text, at) => {
      const cut = at % (text.length + 1);
      const broken = `${text.slice(0, cut)}\u0001${text.slice(cut)}`;
      assert.throws(
        () => parseJsonText(broken, 'x'),
        (error) => {
          const [, line, column] = /^x:(\d+):(\d+):/.exec((error as Error).message)!;
          return line === '1' && Number(column) <= cut + 1;
        },
      );
      assert.deepEqual(parseJsonText(text, 'x'), JSON.parse(text));
    }),
    { numRuns: 300 },
  );
});

const data = tableOf([{ id: 7, name: 'a b&"c"', list: [1] }, { id: 8 }], 'rows');
const fill = (text: string, row = 0) => parseTemplate(text, data, 'body').fill(row);

test('templates by example', () => {
  const table: [string, string][] = [
    ['plain', 'plain'],
    ['', ''],
    ['{{id}}', '7'],
    ['/x/{{ id }}/y/{{id}}', '/x/7/y/7'],
    ['{{name}}', 'a b&"c"'],
    ['{{name|url}}', 'a%20b%26%22c%22'],
    ['"{{name|json}}"', '"a b&\\"c\\""'],
    ['{{list}}', '[1]'],
    ['{{list|json}}', '[1]'],
    ['\\{{id}}', '{{id}}'],
    ['{"a":{"b":{{id}}}}', '{"a":{"b":7}}'],
    ['{ {id} }', '{ {id} }'],
  ];
  for (const [text, expected] of table) assert.equal(fill(text), expected, text);
  const broken = tableOf([{ v: 'a\ud800' }], 'rows');
  assert.equal(parseTemplate('{{v|url}}', broken, 'x').fill(0), 'a%EF%BF%BD');
  assert.equal(parseTemplate('{{id}}', data, 'x').bareValue(0), 7);
  assert.equal(parseTemplate(' {{id}}', data, 'x').bareValue(0), undefined);
  assert.equal(parseTemplate('{{id|json}}', data, 'x').bareValue(0), undefined);
  assert.equal(parseTemplate('no variable', null, 'x').isConstant, true);
});

test('templates refused, by field and place', () => {
  const table: [string, RegExp][] = [
    ['x {{id', /body: "{{" at column 3 is not closed/],
    ['{{nam}}', /body: {{nam}}: rows has id, name, list/],
    ['{{id|html}}', /"html" is none of raw, url, json/],
    ['{{}}', /{{}}/],
  ];
  for (const [text, message] of table) assert.throws(() => fill(text), { code: 'USAGE', message }, text);
  assert.throws(() => parseTemplate('{{nam}}', data, 'x'), { hint: 'did you mean {{name}}?' });
  assert.throws(() => parseTemplate('{{id}}', null, 'path'), {
    message: /path: uses {{id}}, and its kind has no data/,
  });
  assert.throws(() => fill('{{name}}', 1), { message: /rows:2: has no "name", which body needs/ });
});

test('any text without braces is itself, and any value comes through url and json unharmed', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      if (!text.includes('{{')) assert.equal(fill(text), text);
      const table = tableOf([{ v: text }], 'rows');
      assert.equal(decodeURIComponent(parseTemplate('{{v|url}}', table, 'x').fill(0)), text);
      assert.equal(JSON.parse(parseTemplate('"{{v|json}}"', table, 'x').fill(0)), text);
      assert.equal(parseTemplate('<{{v}}>', table, 'x').fill(0), `<${text}>`);
    }),
    { numRuns: 300 },
  );
});
