/**
 * Rebuilds every X.skel.bin in src/observe and bench from the X.bpf.c beside it, with the distribution's clang and bpftool.
 * `--check` compares with the blobs that are checked in instead of writing them; names choose some of them.
 *
 * bpftool writes a light skeleton as a C header: two byte strings (a loader program and its data) and the order of maps
 * and programs in the loader's context. We keep just that: "LSKL", the length of a JSON header, the header, the bytes.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The object keeps its source's name: bpftool names global sections after it. */
function compile(source: string, folder: string): string {
  const object = join(folder, basename(source).replace(/c$/, 'o'));
  const multiarch = execFileSync('gcc', ['-print-multiarch']).toString().trim();
  execFileSync(
    'clang',
    [
      '-O2',
      '-g',
      '-mcpu=v3',
      '-target',
      'bpf',
      '-Wall',
      '-Werror',
      '-Wno-unused-function',
      `-I/usr/include/${multiarch}`,
    ].concat([
      `-fdebug-prefix-map=${root}=.`,
      `-ffile-prefix-map=${root}=.`,
      '-c',
      basename(source),
      '-o',
      object,
    ]),
    { cwd: dirname(source), stdio: ['ignore', 'inherit', 'inherit'] },
  );
  return object;
}

/** The bytes of a C string literal that begins after `marker`. bpftool escapes every byte. */
function bytesAfter(header: string, marker: string): Buffer {
  const start = header.indexOf('"', header.indexOf(marker)) + 1;
  const end = header.indexOf('";', start);
  const literal = header.slice(start, end).replace(/\\\n/g, '');
  // bpftool shortens a zero byte to \0.
  const escapes = [...literal.matchAll(/\\(?:x([0-9a-f]{2})|0)/g)];
  const escapedLength = escapes.reduce((sum, match) => sum + match[0].length, 0);
  if (escapedLength !== literal.length) throw new Error(`unexpected text in the literal after ${marker}`);
  const bytes = escapes.map((match) => Number.parseInt(match[1] ?? '0', 16));
  return Buffer.from(bytes);
}

function namesIn(header: string, struct: string, closing: string): string[] {
  const body = header.slice(0, header.indexOf(`} ${closing};`));
  return [
    ...body.slice(body.lastIndexOf('struct {')).matchAll(new RegExp(`struct ${struct} (\\w+);`, 'g')),
  ].map((match) => match[1]!);
}

function build(source: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-bpf-'));
  try {
    const header = execFileSync('bpftool', ['gen', 'skeleton', '-L', compile(source, folder)]).toString();
    const data = bytesAfter(header, 'opts.data =');
    const instructions = bytesAfter(header, 'opts.insns =');
    const description = Buffer.from(
      JSON.stringify({
        maps: namesIn(header, 'bpf_map_desc', 'maps'),
        programs: namesIn(header, 'bpf_prog_desc', 'progs'),
        dataBytes: data.length,
        instructionBytes: instructions.length,
      }),
    );
    const length = Buffer.alloc(4);
    length.writeUInt32LE(description.length);
    return Buffer.concat([Buffer.from('LSKL'), length, description, data, instructions]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const wanted = process.argv.slice(2).filter((word) => !word.startsWith('-'));
for (const path of globSync('{src/observe,bench}/**/*.bpf.c', { cwd: root }).sort()) {
  const target = path.replace(/\.bpf\.c$/, '.skel.bin');
  if (wanted.length > 0 && !wanted.some((name) => basename(target, '.skel.bin') === name)) continue;
  const blob = build(join(root, path));
  if (!process.argv.includes('--check')) {
    writeFileSync(join(root, target), blob);
    console.log(`${target}: ${blob.length} bytes`);
  } else if (!existsSync(join(root, target)) || !blob.equals(readFileSync(join(root, target)))) {
    console.error(`${target} is not what its sources give: run npm run build:bpf and commit the result`);
    process.exitCode = 1;
  } else {
    console.log(`${target} matches its sources`);
  }
}
