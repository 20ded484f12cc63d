/** Names for addresses of another process, from its maps, the ELF files behind them, and what a JIT wrote down. */
import { upTo } from '../../base/ends.ts';
import { printable } from '../../base/printable.ts';
import { demangle } from './demangle/demangle.ts';
import { isSpent, spend, within } from './effort.ts';
import { fileNameOf } from './elf-module.ts';
import { createProcessImage, type ProcessImage } from './process-image.ts';

export type UserSymbols = {
  /** "ngx_http_handler+0x1f (nginx)", "libc.so.6+0x1234" without a symbol, or the bare address. */
  symbolize(address: bigint): string;
  locate(address: bigint, isReturnAddress?: boolean): SymbolPlace;
  /** Reads the maps if they were not read within the last second, so that names can be given once it has ended. */
  keepMaps(): void;
  readonly image: ProcessImage;
};

/** What is known of one address: the parts `symbolize` prints. */
export type SymbolPlace = {
  /** Demangled; null when no symbol covers the address. */
  name: string | null;
  /** From the function's start; without a function, from the file's; without a file, the address itself. */
  offset: bigint;
  /** "nginx", "libc.so.6", "[vdso]"; null outside of files. */
  file: string | null;
};

const NAME_UNITS = 1;
const CHARS_PER_UNIT = 8;
/** A demangled name may be four times as long, and costs as much to write down in each stack that it is in. */
const NAME_LIMIT = 1024;

/** For one process; its maps are read at the first question and again, at most once a second, for unknown addresses. */
export function createUserSymbols(pid: number, image: ProcessImage = createProcessImage(pid)): UserSymbols {
  const find = (address: bigint, isReturnAddress: boolean): SymbolPlace => {
    spend(NAME_UNITS);
    // A call that never returns may be a function's last instruction: the byte before still belongs to the caller.
    const back = isReturnAddress && address > 0n ? 1 : 0;
    if (address > BigInt(Number.MAX_SAFE_INTEGER)) return { name: null, offset: address, file: null };
    const wanted = Number(address) - back;
    const place = image.find(wanted);
    if (!place?.module) {
      const name = place?.entry.path.startsWith('/') ? null : image.jitNameOf(wanted);
      // A JIT's names are its own and complete: "LazyCompile:*handle /srv/app.js:12".
      if (name !== null) return { name, offset: 0n, file: null };
      if (!place?.entry.path) return { name: null, offset: address, file: null };
      const offset = wanted + back - place.entry.start + place.entry.offset;
      return { name: null, offset: BigInt(offset), file: fileNameOf(place.entry) };
    }
    const { module, linked, entry } = place;
    const { stubs, symbols } = image.readFiles(() => ({ stubs: module.stubs(), symbols: module.symbols() }));
    const stub = linked < 0 ? null : stubs.find(linked);
    if (stub) return { name: plainStub(stub.name), offset: BigInt(stub.offset + back), file: module.name };
    const index = linked < 0 ? -1 : symbols.indexAt(linked);
    // Versions of a library's functions follow an @: "memcpy@@GLIBC_2.14".
    const name = index < 0 ? null : plain(upTo(symbols.nameOf(index), '@'));
    if (name === null) {
      return { name, offset: BigInt(wanted + back - entry.start + entry.offset), file: module.name };
    }
    return { name, offset: BigInt(linked + back - symbols.addresses[index]!), file: module.name };
  };
  const locate = (address: bigint, isReturnAddress = false): SymbolPlace => {
    try {
      return within(image.look, () => find(address, isReturnAddress));
    } catch (error) {
      if (!isSpent(error)) throw error;
      image.watch.addressesNotNamed++;
      return { name: null, offset: address, file: null };
    }
  };
  return {
    image,
    keepMaps: image.keepMaps,
    locate,
    symbolize: (address) => formatPlace(locate(address)),
  };
}

/** Demangled; null for what is no name, as any file may hold any bytes where names should be. */
function plain(symbol: string): string | null {
  spend(symbol.length / CHARS_PER_UNIT);
  if (symbol === '' || printable(symbol, symbol.length) !== symbol) return null;
  return printable(demangle(symbol), NAME_LIMIT);
}

/** "_ZN3FooD1Ev@plt": the function's own name is what is demangled. */
function plainStub(name: string): string | null {
  const called = plain(name.replace(/@plt$/, ''));
  return called === null ? null : `${called}@plt`;
}

export function formatPlace({ name, offset, file }: SymbolPlace): string {
  const distance = `0x${offset.toString(16)}`;
  if (name === null) return file === null ? distance : `${file}+${distance}`;
  return file === null ? name : `${name}+${distance} (${file})`;
}
