/**
 * Rows of unwind rules for addresses of one ELF module. The sections are read at the first question and searched where
 * they are; a row that was worked out is kept, because return addresses come again and again.
 */
import type { ByteSource } from '../symbols/byte-source.ts';
import { rethrowSpent, spend } from '../symbols/effort.ts';
import { type ElfHeader, findSection } from '../symbols/elf-header.ts';
import type { ElfModule } from '../symbols/elf-module.ts';
import { type Row, rowAt } from './call-frame-program.ts';
import { cursorAt, readEncoded, readU8 } from './dwarf-cursor.ts';
import { type EhFrame, openEhFrame, type SectionBytes } from './eh-frame.ts';

export type UnwindTable = {
  readonly section: SectionBytes;
  /** `none`: no unwind information there; `malformed`: some that we cannot follow. */
  rowAt(address: number): Row | 'none' | 'malformed';
  /** Where the function begins that an address is in: known of stripped files too. Null when it has no rules. */
  startOf(address: number): number | null;
};

const ROW_LIMIT = 8192;
/** A row with its rules, as an estimate for the limit of what is kept in all. */
const ROW_BYTES = 512;
const ROW_UNITS = 3;

const tables = new WeakMap<ElfModule, UnwindTable | null>();

/** Null when the module has no .eh_frame. */
export function unwindTableOf(module: ElfModule): UnwindTable | null {
  let table = tables.get(module);
  if (table !== undefined) return table;
  const frames = module.read((source) => readUnwindSections(source, module.header));
  // Undefined: the file was not reached just now, as when its last process ended. Another may lead to it later.
  if (frames === null && module.read(() => true) === null) return null;
  table = frames && createUnwindTable(openEhFrame(frames.section, frames.header));
  tables.set(module, table);
  if (frames)
    module.retains(
      frames.section.bytes.length + (frames.header?.bytes.length ?? 0) + ROW_LIMIT * ROW_BYTES,
      () => tables.delete(module),
    );
  return table;
}

export function createUnwindTable(frames: EhFrame): UnwindTable {
  const rows = new Map<number, Row | 'none' | 'malformed'>();
  return {
    section: frames.section,
    startOf(address) {
      try {
        return frames.find(address)?.start ?? null;
      } catch (error) {
        rethrowSpent(error);
        return null;
      }
    },
    rowAt(address) {
      const known = rows.get(address);
      if (known !== undefined) return known;
      const row = workOut(frames, address);
      // Sampled addresses of running code differ every time: start anew rather than grow.
      if (rows.size >= ROW_LIMIT) rows.clear();
      rows.set(address, row);
      return row;
    },
  };
}

function workOut(frames: EhFrame, address: number): Row | 'none' | 'malformed' {
  spend(ROW_UNITS);
  try {
    const fde = frames.find(address);
    return fde ? rowAt(frames.section, fde, address) : 'none';
  } catch (error) {
    rethrowSpent(error);
    return 'malformed';
  }
}

/** .eh_frame and its sorted table, from section headers or, where those were removed, from the program headers. */
export function readUnwindSections(
  source: ByteSource,
  header: ElfHeader,
): { section: SectionBytes; header: SectionBytes | null } | null {
  const place = header.ehFrameHeader;
  const index = place ? { bytes: source.read(place.offset, place.bytes), address: place.address } : null;
  const section = findSection(header, '.eh_frame');
  if (section) {
    return {
      section: { bytes: source.read(section.offset, section.bytes), address: section.address },
      header: index,
    };
  }
  if (!index) return null;
  const cursor = cursorAt(index.bytes, index.address, 1);
  const encoding = readU8(cursor);
  cursor.at = 4;
  const address = readEncoded(cursor, encoding, index.address);
  const segment = header.segments.find(
    (row) => address >= row.address && address < row.address + row.fileBytes,
  );
  if (!segment) return null;
  const from = address - segment.address;
  return {
    section: { bytes: source.read(segment.offset + from, segment.fileBytes - from), address },
    header: index,
  };
}
