// Goal: a page that is whole, allows no script, and shows what others wrote as text. Method: a page with hostile names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LabPage, renderLabPage } from './lab-page.ts';
import { niceTop } from './lines.ts';

const HOSTILE = '<script>alert(1)</script>"\'&';

const page: LabPage = {
  title: HOSTILE,
  lead: HOSTILE,
  findings: [
    { text: HOSTILE, holds: true },
    { text: 'no', holds: false },
    { text: 'by the way', holds: null },
  ],
  sections: [
    {
      title: HOSTILE,
      text: HOSTILE,
      parts: [
        { kind: 'text', text: HOSTILE },
        {
          kind: 'table',
          caption: HOSTILE,
          columns: [{ title: HOSTILE, align: 'left' }],
          rows: [[HOSTILE]],
          strongRow: 0,
        },
        {
          kind: 'bars',
          title: HOSTILE,
          bars: [
            { label: HOSTILE, value: 3, text: HOSTILE },
            { label: 'none', value: null, text: '–' },
          ],
        },
        {
          kind: 'lines',
          title: HOSTILE,
          x: { label: HOSTILE, format: String },
          y: { label: HOSTILE, format: String },
          series: [
            {
              label: HOSTILE,
              tone: 1,
              values: [
                [0, 0],
                [10, 5],
              ],
            },
          ],
        },
      ],
    },
  ],
  footer: HOSTILE,
};

test('text from outside is text, in elements and in attributes', () => {
  const html = renderLabPage(page);
  assert.doesNotMatch(html, /<script/i);
  assert.ok(html.split('&lt;script&gt;').length > 10);
  assert.match(html, /^<!doctype html>[\s\S]*<\/html>\s*$/);
});

test('the policy allows this page’s style and nothing else', () => {
  const html = renderLabPage(page);
  assert.match(html, /default-src 'none'; style-src 'sha256-[^']+'/);
  assert.doesNotMatch(html, /https?:\/\/(?!www\.w3\.org)/);
  assert.doesNotMatch(html, / style="/);
});

test('charts hold no numbers that are none, also without anything to draw', () => {
  const empty = {
    ...page,
    sections: [
      {
        title: 'x',
        text: '',
        parts: [
          { kind: 'bars' as const, title: 'none', bars: [] },
          {
            kind: 'lines' as const,
            title: 'none',
            x: { label: 'x', format: String },
            y: { label: 'y', format: String },
            series: [],
          },
        ],
      },
    ],
  };
  for (const html of [renderLabPage(page), renderLabPage(empty)])
    assert.doesNotMatch(html, /NaN|Infinity|undefined/);
});

test('an axis ends at a round number that is not below the largest value', () => {
  for (const [value, top] of [
    [0, 1],
    [0.9, 1],
    [7, 7.5],
    [101, 150],
    [260_000, 300_000],
  ] as const) {
    assert.equal(niceTop(value), top);
  }
});
