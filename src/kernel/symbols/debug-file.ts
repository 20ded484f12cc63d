/**
 * Where a distribution puts the symbols it strips from a program: /usr/lib/debug/.build-id/ab/cdef….debug, or the
 * name in .gnu_debuglink beside the file, in .debug/ there, or below /usr/lib/debug. A candidate counts only when its
 * build-id is the program's own, or, for a debuglink without build-id, its checksum.
 *
 * Not read: .gnu_debugdata (Fedora's small symbol table inside the program) is compressed with xz, which node:zlib
 * does not decode.
 */
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type ByteSource, withFile } from './byte-source.ts';
import { type ElfHeader, findSection, readElfHeader, textAt, viewOf } from './elf-header.ts';
import { type ElfSymbols, NO_SYMBOLS, readSymbols } from './elf-symbols.ts';

export const DEBUG_FOLDER = '/usr/lib/debug';
const LINK_LIMIT_BYTES = 4096;
const CHUNK_BYTES = 1 << 20;
/** A third of a second of reading; only a file without build-id is checked this way. */
const CHECKSUM_LIMIT_BYTES = 256 << 20;

/** What .gnu_debuglink says: a file name, and the CRC-32 of that file. */
export type DebugLink = { name: string; checksum: number };

export function readDebugLink(source: ByteSource, header: ElfHeader): DebugLink | null {
  const section = findSection(header, '.gnu_debuglink');
  if (!section || !(section.bytes >= 8 && section.bytes <= LINK_LIMIT_BYTES)) return null;
  const bytes = source.read(section.offset, section.bytes);
  const name = textAt(Buffer.from(bytes.buffer), 0, section.bytes - 4);
  // A name, never a path: a hostile file does not choose what else is opened.
  if (name === '' || name !== basename(name) || name === '..') return null;
  return { name, checksum: viewOf(bytes).getUint32(bytes.length - 4, true) };
}

/** Symbols of the program at `path` (as its own process names it) from its debug file. Null when there is none. */
export function readDebugSymbols(
  path: string,
  buildId: string | null,
  link: DebugLink | null,
  roots: readonly string[],
  debugFolder: string = DEBUG_FOLDER,
): ElfSymbols | null {
  for (const { candidate, byChecksum } of candidates(path, buildId, link, debugFolder)) {
    for (const root of roots) {
      const read = (source: ByteSource) => {
        const header = readElfHeader(source);
        if (byChecksum ? checksumOf(source) !== link!.checksum : header.buildId !== buildId) return null;
        return readSymbols(source, header);
      };
      // Some distributions put links there; below the root of a process anybody could have.
      const symbols = withFile(join(root, candidate), read, {
        trusted: root === '/' && candidate.startsWith(`${debugFolder}/`),
      });
      if (symbols && symbols !== NO_SYMBOLS) return symbols;
    }
  }
  return null;
}

function candidates(path: string, buildId: string | null, link: DebugLink | null, debugFolder: string) {
  const found: { candidate: string; byChecksum: boolean }[] = [];
  if (buildId !== null && buildId.length > 2) {
    const candidate = join(debugFolder, '.build-id', buildId.slice(0, 2), `${buildId.slice(2)}.debug`);
    found.push({ candidate, byChecksum: false });
  }
  if (link !== null && path.startsWith('/')) {
    const folder = dirname(path);
    for (const place of [folder, join(folder, '.debug'), join(debugFolder, folder)]) {
      found.push({ candidate: join(place, link.name), byChecksum: buildId === null });
    }
  }
  return found;
}

function checksumOf(source: ByteSource): number {
  if (source.byteLength > CHECKSUM_LIMIT_BYTES) return -1;
  let checksum = 0;
  for (let at = 0; at < source.byteLength; at += CHUNK_BYTES) {
    checksum = crc32(source.read(at, Math.min(CHUNK_BYTES, source.byteLength - at)), checksum);
  }
  return checksum;
}
