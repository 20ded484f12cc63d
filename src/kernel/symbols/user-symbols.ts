/** Names for addresses of another process, from its maps, the ELF files behind them, and what a JIT wrote down. */
import { upTo } from '../../base/ends.ts';
import { demangle } from './demangle/demangle.ts';
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

/** For one process; its maps are read at the first question and again, at most once a second, for unknown addresses. */
export function createUserSymbols(pid: number, image: ProcessImage = createProcessImage(pid)): UserSymbols {
  const locate = (address: bigint, isReturnAddress = false): SymbolPlace => {
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
    const stub = linked < 0 ? null : module.stubs().find(linked);
    if (stub) return { name: demangleStub(stub.name), offset: BigInt(stub.offset + back), file: module.name };
    const symbols = module.symbols();
    const index = linked < 0 ? -1 : symbols.indexAt(linked);
    if (index < 0) {
      return { name: null, offset: BigInt(wanted + back - entry.start + entry.offset), file: module.name };
    }
    const offset = BigInt(linked + back - symbols.addresses[index]!);
    // Versions of a library's functions follow an @: "memcpy@@GLIBC_2.14".
    return { name: demangle(upTo(symbols.nameOf(index), '@')), offset, file: module.name };
  };
  return {
    image,
    keepMaps: image.keepMaps,
    locate,
    symbolize: (address) => formatPlace(locate(address)),
  };
}

/** "_ZN3FooD1Ev@plt": the function's own name is what is demangled. */
function demangleStub(name: string): string {
  return `${demangle(name.replace(/@plt$/, ''))}@plt`;
}

export function formatPlace({ name, offset, file }: SymbolPlace): string {
  const distance = `0x${offset.toString(16)}`;
  if (name === null) return file === null ? distance : `${file}+${distance}`;
  return file === null ? name : `${name}+${distance} (${file})`;
}
