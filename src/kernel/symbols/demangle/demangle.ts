/**
 * Names as people wrote them: C++ (Itanium ABI, as gcc and clang mangle) and Rust (legacy and v0). What is neither,
 * or not understood, comes back as it is. Names come from files that may be hostile: depth, steps and length are
 * bounded.
 */
import { demangleItanium } from './itanium.ts';
import { demangleRustLegacy } from './rust-legacy.ts';
import { demangleRustV0 } from './rust-v0.ts';

const CACHE_LIMIT = 8192;
const INPUT_LIMIT = 4096;
const cache = new Map<string, string>();

export function demangle(name: string): string {
  // Every mangled name begins so, on Linux: almost all names of C programs end here.
  if (!/^_?_[ZR]/.test(name) || name.length >= INPUT_LIMIT) return name;
  const known = cache.get(name);
  if (known !== undefined) return known;
  const plain = work(name);
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(name, plain);
  return plain;
}

function work(name: string): string {
  try {
    const mangled = name.startsWith('__') ? name.slice(1) : name;
    const plain = mangled.startsWith('_R')
      ? demangleRustV0(mangled)
      : (demangleRustLegacy(mangled) ?? demangleItanium(mangled));
    return plain ?? name;
  } catch {
    return name;
  }
}
