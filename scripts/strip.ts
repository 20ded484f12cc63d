/**
 * Makes dist/ for the published tarball: Node runs .ts files, but refuses them under node_modules. Types are replaced
 * by blanks, so line and column numbers stay those of the source. Every other file (BPF blobs, styles) is copied.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  execFileSync(join(root, 'node_modules/.bin/tsc'), emit, { cwd: root, stdio: 'inherit' });
  const emitted = join(folder, 'src');
  for (const entry of readdirSync(emitted, { recursive: true, withFileTypes: true })) {
    const path = relative(emitted, join(entry.parentPath, entry.name));
    if (!entry.isFile() || isTest(path.replace(/\.d\.ts$/, '.ts'))) continue;
    writeFileSync(join(target, path), rewriteSpecifiers(readFileSync(join(emitted, path), 'utf8')));
  }
  rmSync(folder, { recursive: true, force: true });
}

declare();
console.log(`dist: ${fileCount} files and their declarations`);
