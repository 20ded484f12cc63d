/**
 * The page's own scripts and styles, read when a page is rendered. The scripts are ordinary modules in client/, typed
 * like the rest; here their types, imports and exports are taken off and they become one script. In the published
 * tarball the files have been stripped already and end like this one: the name is derived, never written.
 */
import { readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LoopscopeError } from '../../base/errors.ts';
import { paletteCss } from './palette.ts';

/** In order of use: a file may use what the files before it export. */
export const CLIENT_FILES = [
  'dom',
  'format',
  'theme',
  'chart-base',
  'stall-marks',
  'timeline',
  'spectrum',
  'heat-map',
  'icicle',
  'stalls',
  'sections',
  'limit',
  'replay',
  'about',
  'main',
] as const;

/** In order of the cascade, which is about that of the page from top to bottom. */
export const STYLE_FILES = [
  'colours',
  'page',
  'base',
  'layout',
  'verdict',
  'charts',
  'icicle',
  'tables',
  'bars',
  'stalls',
  'details',
  'screens',
] as const;

let script: string | null = null;
let style: string | null = null;

/** uPlot and the client files as one script. */
export function pageScript(): string {
  script ??= checked(
    `/* uPlot:\n${uplotFile('../LICENSE').replaceAll('*/', '* /').trim()}\n*/\n${uplotFile('uPlot.iife.min.js')}\n` +
      `(() => {\n'use strict';\n${CLIENT_FILES.map(clientCode).join('\n')}\n})();\n`,
    'script',
  );
  return script;
}

export function pageStyle(): string {
  style ??= checked(
    `${uplotFile('uPlot.min.css')}\n${paletteCss('button')}${STYLE_FILES.map(sheet).join('')}`,
    'style',
  );
  return style;
}

/** One of the style files, by its name. */
export function sheet(name: string): string {
  return readFileSync(new URL(`style/${name}.css`, import.meta.url), 'utf8');
}

/** A client file as plain script text, its imports and exports taken off. */
export function clientCode(name: string): string {
  const path = new URL(`client/${name}${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
  return stripTypeScriptTypes(readFileSync(path, 'utf8'))
    .replace(/^import\b[^;]*;[ \t]*$/gm, '')
    .replace(/^export (?=(?:async )?(?:function|const|let|class)\b)/gm, '')
    .replace(/^\s*\n/gm, '');
}

function uplotFile(name: string): string {
  const entry = createRequire(import.meta.url).resolve('uplot/dist/uPlot.iife.min.js');
  return readFileSync(new URL(name, `file://${entry}`), 'utf8').trim();
}

/** Text inside an element ends at its closing tag, wherever that stands. */
function checked(text: string, element: string): string {
  if (text.toLowerCase().includes(`</${element}`)) {
    throw new LoopscopeError('INTERNAL', `the page's ${element} contains its own closing tag`);
  }
  return text;
}
