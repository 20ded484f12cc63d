/** What all our pages have in common: one file, offline, and a policy that allows exactly what is inside. */
import { createHash } from 'node:crypto';
import { escapeHtml } from './escape.ts';

export type PageParts = {
  title: string;
  style: string;
  /** Markup; whatever in it comes from outside is escaped, or is JSON in a data block. */
  body: string;
  /** Run after the body. Absent: the policy allows no script at all. */
  script?: string;
};

/** The whole document. Scripts and styles are allowed by their hashes, and no connection anywhere. */
export function htmlDocument({ title, style, body, script }: PageParts): string {
  const policy = [
    "default-src 'none'",
    ...(script === undefined ? [] : [`script-src ${hashSource(script)}`]),
    `style-src ${hashSource(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="loopscope">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
${body}
${script === undefined ? '' : `<script>${script}</script>\n`}</body>
</html>
`;
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
