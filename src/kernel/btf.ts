/**
 * A small reader of BTF (Documentation/bpf/btf.rst), the kernel's own description of its types. It reads the running
 * kernel's (/sys/kernel/btf/vmlinux) and, as it takes bytes, the .BTF section of a BPF object.
 */
import { readFileSync } from 'node:fs';
import { LoopscopeError } from '../base/errors.ts';

/** enum of include/uapi/linux/btf.h. */
export const BTF_KIND = {
  INT: 1,
  PTR: 2,
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FWD: 7,
  TYPEDEF: 8,
  VOLATILE: 9,
  CONST: 10,
  RESTRICT: 11,
  FUNC: 12,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  FLOAT: 16,
  DECL_TAG: 17,
  TYPE_TAG: 18,
  ENUM64: 19,
} as const;

/** A struct member. Anonymous members have the name ''. */
export type BtfMember = { name: string; bitOffset: number; bitSize: number; typeId: number };
export type BtfStruct = { id: number; name: string; byteLength: number; members: BtfMember[] };
/** Where a field lies in its struct, in bytes. */
export type BtfField = { offset: number; byteLength: number; typeId: number };

const VMLINUX_BTF = '/sys/kernel/btf/vmlinux';
const BTF_MAGIC = 0xeb9f;
const TYPE_BYTES = 12;
/** Arrays of arrays, and anonymous members in each other; a damaged one may hold itself. */
const DEPTH_LIMIT = 16;
/** Members looked at for one field; sched's largest structs have some hundred. */
const MEMBER_LIMIT = 65_536;
/** The kernel's own limit is 512 (KSYM_NAME_LEN). */
const NAME_LIMIT_BYTES = 1024;

/** Bytes that follow a type record, by kind: [fixed, per vlen]. Types of unknown kinds cannot be skipped. */
const TRAILER: Record<number, readonly [number, number]> = {
  [BTF_KIND.INT]: [4, 0],
  [BTF_KIND.PTR]: [0, 0],
  [BTF_KIND.ARRAY]: [12, 0],
  [BTF_KIND.STRUCT]: [0, 12],
  [BTF_KIND.UNION]: [0, 12],
  [BTF_KIND.ENUM]: [0, 8],
  [BTF_KIND.FWD]: [0, 0],
  [BTF_KIND.TYPEDEF]: [0, 0],
  [BTF_KIND.VOLATILE]: [0, 0],
  [BTF_KIND.CONST]: [0, 0],
  [BTF_KIND.RESTRICT]: [0, 0],
  [BTF_KIND.FUNC]: [0, 0],
  [BTF_KIND.FUNC_PROTO]: [0, 8],
  [BTF_KIND.VAR]: [4, 0],
  [BTF_KIND.DATASEC]: [0, 12],
  [BTF_KIND.FLOAT]: [0, 0],
  [BTF_KIND.DECL_TAG]: [4, 0],
  [BTF_KIND.TYPE_TAG]: [0, 0],
  [BTF_KIND.ENUM64]: [0, 12],
};

export type Btf = {
  readonly typeCount: number;
  /** Id of the first type of that kind and name, or 0. */
  idOf(kind: number, name: string): number;
  kindOf(id: number): number;
  nameOf(id: number): string;
  /** The type a pointer, typedef, qualifier, function, variable or tag refers to. */
  target(id: number): number;
  /** Size in bytes, through typedefs, qualifiers and arrays. 0 for void and functions. */
  byteLengthOf(id: number): number;
  structById(id: number): BtfStruct | null;
  /** A struct or union by name, or null. */
  struct(name: string): BtfStruct | null;
  /** A field by dotted path ('sq_off.head'), through anonymous members. Null when there is none. */
  field(structName: string, path: string): BtfField | null;
  /** Values of an enum by name (of the enum, not of the value), or null. */
  enumValues(name: string): Map<string, number> | null;
  /** Where a variable lies in its section ('.data..percpu', 'runqueues'), in bytes, or null. Reads no other names. */
  variableOffset(section: string, name: string): number | null;
};

/** Reads BTF bytes; throws KERNEL_FEATURE when they are not BTF or hold a kind this reader does not know. */
export function parseBtf(bytes: Uint8Array): Btf {
  return new BtfReader(bytes);
}

/** The running kernel's BTF (megabytes: not to be kept), or null when the kernel was built without it. */
export function readVmlinuxBtf(): Btf | null {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(VMLINUX_BTF);
  } catch {
    // Absent without CONFIG_DEBUG_INFO_BTF, and hidden in some containers: both mean "no BTF" to callers.
    return null;
  }
  return parseBtf(bytes);
}

let vmlinux: Btf | null | undefined;

/** The same, read once (about 0.1 s) and kept. */
export function vmlinuxBtf(): Btf | null {
  if (vmlinux === undefined) vmlinux = readVmlinuxBtf();
  return vmlinux;
}

class BtfReader implements Btf {
  readonly typeCount: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #stringStart: number;
  readonly #offsets: Uint32Array;
  #idsByName: Map<string, number[]> | null = null;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = view;
    if (bytes.byteLength < 24 || view.getUint16(0, true) !== BTF_MAGIC) throw unreadable('no BTF magic');
    const headerBytes = view.getUint32(4, true);
    const typeStart = headerBytes + view.getUint32(8, true);
    const typeEnd = typeStart + view.getUint32(12, true);
    this.#stringStart = headerBytes + view.getUint32(16, true);
    if (typeEnd > bytes.byteLength || this.#stringStart > bytes.byteLength) throw unreadable('truncated');

    const offsets = new Uint32Array(Math.ceil((typeEnd - typeStart) / TYPE_BYTES) + 1);
    let count = 1; // Type 0 is void.
    for (let at = typeStart; at < typeEnd; count++) {
      if (at + TYPE_BYTES > typeEnd) throw unreadable('truncated');
      const info = view.getUint32(at + 4, true);
      const trailer = TRAILER[kind(info)];
      if (!trailer) throw unreadable(`type ${count} has unknown kind ${kind(info)}`);
      offsets[count] = at;
      at += TYPE_BYTES + trailer[0] + trailer[1] * (info & 0xffff);
      if (at > typeEnd) throw unreadable('truncated');
    }
    this.#offsets = offsets;
    this.typeCount = count;
  }

  idOf(wantedKind: number, name: string): number {
    this.#idsByName ??= this.#indexNames();
    return this.#idsByName.get(name)?.find((id) => this.kindOf(id) === wantedKind) ?? 0;
  }

  kindOf(id: number): number {
    return id === 0 ? 0 : kind(this.#u32(id, 4));
  }

  nameOf(id: number): string {
    return id === 0 ? 'void' : this.#string(this.#u32(id, 0));
  }

  target(id: number): number {
    return this.#u32(id, 8);
  }

  byteLengthOf(id: number, depth = 0): number {
    if (depth > DEPTH_LIMIT) throw unreadable('types without end');
    for (let at = id, hops = 0; at !== 0 && hops < 32; hops++) {
      switch (this.kindOf(at)) {
        case BTF_KIND.PTR:
          return 8;
        case BTF_KIND.ARRAY:
          return this.byteLengthOf(this.#u32(at, TYPE_BYTES), depth + 1) * this.#u32(at, TYPE_BYTES + 8);
        case BTF_KIND.TYPEDEF:
        case BTF_KIND.VOLATILE:
        case BTF_KIND.CONST:
        case BTF_KIND.RESTRICT:
        case BTF_KIND.TYPE_TAG:
        case BTF_KIND.VAR:
          at = this.target(at);
          break;
        case BTF_KIND.FUNC:
        case BTF_KIND.FUNC_PROTO:
        case BTF_KIND.FWD:
          return 0;
        default:
          return this.#u32(at, 8);
      }
    }
    return 0;
  }

  structById(id: number): BtfStruct | null {
    const resolved = this.#withoutAliases(id);
    const structKind = this.kindOf(resolved);
    if (structKind !== BTF_KIND.STRUCT && structKind !== BTF_KIND.UNION) return null;
    const info = this.#u32(resolved, 4);
    const hasBitFields = info >>> 31 === 1;
    const members: BtfMember[] = [];
    for (let i = 0; i < (info & 0xffff); i++) {
      const at = TYPE_BYTES + i * 12;
      const typeId = this.#u32(resolved, at + 4);
      const rawOffset = this.#u32(resolved, at + 8);
      const bitFieldSize = hasBitFields ? rawOffset >>> 24 : 0;
      members.push({
        name: this.#string(this.#u32(resolved, at)),
        bitOffset: hasBitFields ? rawOffset & 0xffffff : rawOffset,
        bitSize: bitFieldSize || this.byteLengthOf(typeId) * 8,
        typeId,
      });
    }
    return { id: resolved, name: this.nameOf(resolved), byteLength: this.#u32(resolved, 8), members };
  }

  struct(name: string): BtfStruct | null {
    const id = this.idOf(BTF_KIND.STRUCT, name) || this.idOf(BTF_KIND.UNION, name);
    return id ? this.structById(id) : null;
  }

  field(structName: string, path: string): BtfField | null {
    let at = this.struct(structName);
    let offset = 0;
    let found: BtfField | null = null;
    for (const name of path.split('.')) {
      const member = at && this.#member(at, name, { depth: 0, memberCount: 0 });
      if (!member) return null;
      offset += member.offset;
      found = { ...member, offset };
      at = this.structById(member.typeId);
    }
    return found;
  }

  enumValues(name: string): Map<string, number> | null {
    const id = this.idOf(BTF_KIND.ENUM, name) || this.idOf(BTF_KIND.ENUM64, name);
    if (!id) return null;
    const stride = this.kindOf(id) === BTF_KIND.ENUM64 ? 12 : 8;
    const values = new Map<string, number>();
    for (let i = 0; i < (this.#u32(id, 4) & 0xffff); i++) {
      const at = TYPE_BYTES + i * stride;
      values.set(this.#string(this.#u32(id, at)), this.#u32(id, at + 4) | 0);
    }
    return values;
  }

  variableOffset(section: string, name: string): number | null {
    for (let id = this.typeCount - 1; id > 0; id--) {
      if (this.kindOf(id) !== BTF_KIND.DATASEC || this.nameOf(id) !== section) continue;
      for (let i = 0; i < (this.#u32(id, 4) & 0xffff); i++) {
        const at = TYPE_BYTES + i * 12;
        if (this.nameOf(this.#u32(id, at)) === name) return this.#u32(id, at + 4);
      }
    }
    return null;
  }

  #member(struct: BtfStruct, name: string, search: { depth: number; memberCount: number }): BtfField | null {
    search.memberCount += struct.members.length;
    if (search.depth > DEPTH_LIMIT || search.memberCount > MEMBER_LIMIT)
      throw unreadable('types without end');
    for (const member of struct.members) {
      const offset = member.bitOffset >>> 3;
      if (member.name === name) return { offset, byteLength: member.bitSize / 8, typeId: member.typeId };
      if (member.name !== '') continue;
      const inner = this.structById(member.typeId);
      search.depth++;
      const found = inner && this.#member(inner, name, search);
      search.depth--;
      if (found) return { ...found, offset: offset + found.offset };
    }
    return null;
  }

  #withoutAliases(id: number): number {
    let at = id;
    for (let hops = 0; hops < 32; hops++) {
      const aliasKind = this.kindOf(at);
      const isAlias =
        (aliasKind >= BTF_KIND.TYPEDEF && aliasKind <= BTF_KIND.RESTRICT) || aliasKind === BTF_KIND.TYPE_TAG;
      if (!isAlias) break;
      at = this.target(at);
    }
    return at;
  }

  #indexNames(): Map<string, number[]> {
    const index = new Map<string, number[]>();
    for (let id = 1; id < this.typeCount; id++) {
      const nameOffset = this.#u32(id, 0);
      if (nameOffset === 0) continue;
      const name = this.#string(nameOffset);
      const ids = index.get(name);
      if (ids) ids.push(id);
      else index.set(name, [id]);
    }
    return index;
  }

  #u32(id: number, offset: number): number {
    if (!(id > 0 && id < this.typeCount)) throw unreadable(`no type ${id}`);
    return this.#view.getUint32(this.#offsets[id]! + offset, true);
  }

  #string(offset: number): string {
    const start = this.#stringStart + offset;
    const limit = Math.min(start + NAME_LIMIT_BYTES, this.#bytes.length);
    const zero = this.#bytes.indexOf(0, start);
    const end = zero < 0 ? limit : Math.min(zero, limit);
    let text = '';
    for (let i = start; i < end; i++) text += String.fromCharCode(this.#bytes[i]!);
    return text;
  }
}

function kind(info: number): number {
  return (info >>> 24) & 0x1f;
}

function unreadable(why: string): LoopscopeError {
  return new LoopscopeError(
    'KERNEL_FEATURE',
    `BTF is unreadable: ${why}`,
    'try: bpftool btf dump file <FILE>',
  );
}
