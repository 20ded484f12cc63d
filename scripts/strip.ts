/**
 * Makes dist/ for the published tarball: Node runs .ts files, but refuses them under node_modules. Types are replaced
 * by blanks, so line and column numbers stay those of the source. Every other file (BPF blobs, styles) is copied.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'src');
const target = join(root, 'dist');

const isTest = (path: string) =>
  /\.(test|ktest|contract|bench)\.ts$/.test(path) || /(^|\/)testing\//.test(path) || /\.snapshot$/.test(path);

/** Import specifiers that point at our own files end in .ts; the stripped copies end in .js, the same length. */
function rewriteSpecifiers(code: string): string {
  return code.replace(/((?:\bfrom|\bimport)\s*\(?\s*['"]\.{1,2}\/[^'"\n]*)\.ts(['"])/g, '$1.js$2');
}

rmSync(target, { recursive: true, force: true });
let fileCount = 0;
for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = relative(source, join(entry.parentPath, entry.name));
  if (isTest(path) || /\.(md|c|h)$/.test(path)) continue;
  const out = join(target, path.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(out), { recursive: true });
  if (path.endsWith('.ts')) {
    writeFileSync(out, rewriteSpecifiers(stripTypeScriptTypes(readFileSync(join(source, path), 'utf8'))));
  } else {
    cpSync(join(source, path), out);
  }
  fileCount++;
}

/** Declarations for users of the library, written by tsc beside the stripped files. */
function declare(): void {
  const compiler = join(root, 'node_modules/.bin/tsc');
  if (!existsSync(compiler)) {
    console.error("loopscope: no compiler for the types: run 'npm install' first");
    process.exit(2);
  }
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-types-'));
  const emit = [
    '--noEmit',
    'false',
    '--declaration',
    '--emitDeclarationOnly',
    '--rootDir',
    '.',
    '--outDir',
    folder,
  ];
  execFileSync(compiler, emit, { cwd: root, stdio: 'inherit' });
  const emitted = join(folder, 'src');
  for (const entry of readdirSync(emitted, { recursive: true, withFileTypes: true })) {
    const path = relative(emitted, join(entry.parentPath, entry.name));
    if (!entry.isFile() || isTest(path.replace(/\.d\.ts$/, '.ts'))) continue;
    writeFileSync(join(target, path), rewriteSpecifiers(readFileSync(join(emitted, path), 'utf8')));
  }
  rmSync(folder, { recursive: true, force: true });
}

/**
 * What `import 'loopscope'` and `require('loopscope')` load. The words of the library itself are a SyntaxError to an older
 * Node, so this is JavaScript of any age, and looks before it loads. The names stand one by one, because that is how
 * Node knows which names a CommonJS module exports.
 */
async function writeEntry(): Promise<void> {
  const names = Object.keys(await import('../src/index.ts')).sort();
  const lines = [
    "'use strict';",
    "var version = process.versions.node.split('.').map(Number);",
    'if (version[0] < 26 || (version[0] === 26 && version[1] < 9)) {',
    '  throw new Error(',
    "    'loopscope needs Node 26.9 or newer, and this is ' + process.version + '. ' +",
    "      'It has one of its own: run the script with npx loopscope-node my-script.mjs'",
    '  );',
    '}',
    "var library = require('./index.js');",
    ...names.map((name) => `exports.${name} = library.${name};`),
  ];
  writeFileSync(join(target, 'library.cjs'), `${lines.join('\n')}\n`);
}

declare();
await writeEntry();
console.log(`dist: ${fileCount} files and their declarations`);
