/**
 * Structs shared with the kernel, written by hand because they are few and should be readable, and compared with the
 * running kernel's BTF by abi.ktest.ts because nobody proofreads offsets.
 */
export type Field = { readonly offset: number; readonly byteLength: number };

export type Layout<F extends Record<string, Field> = Record<string, Field>> = {
  /** The kernel's name, without "struct". */
  readonly name: string;
  /** Size as we use it. */
  readonly byteLength: number;
  readonly fields: F;
  /** Byte offsets by field name. Nested fields are written 'outer.inner'. */
  readonly at: { readonly [K in keyof F]: number };
  /** The kernel may append fields: its size may exceed ours, never fall short of it. */
  readonly growing: boolean;
  /** The member of the kernel's struct that holds these fields: one arm of a union, say. '' for the struct itself. */
  readonly within: string;
  /** Fields that are a word of bit fields to the kernel, with the name of its first bit. */
  readonly bitWords: Readonly<Record<string, string>>;
};

export type LayoutOptions = { growing?: boolean; within?: string; bitWords?: Record<string, string> };

export const u8 = (offset: number): Field => ({ offset, byteLength: 1 });
export const u16 = (offset: number): Field => ({ offset, byteLength: 2 });
export const u32 = (offset: number): Field => ({ offset, byteLength: 4 });
export const i32 = u32;
export const u64 = (offset: number): Field => ({ offset, byteLength: 8 });
/** A field seen only as bytes: arrays, nested structs. */
export const bytes = (offset: number, byteLength: number): Field => ({ offset, byteLength });

/** Describes a kernel struct. Fields may overlap (unions). Throws on a field that lies outside. */
export function layout<F extends Record<string, Field>>(
  name: string,
  byteLength: number,
  fields: F,
  options: LayoutOptions = {},
): Layout<F> {
  const at = {} as { [K in keyof F]: number };
  for (const key of Object.keys(fields) as (keyof F)[]) {
    const field = fields[key]!;
    if (field.offset + field.byteLength > byteLength) {
      throw new RangeError(
        `${name}.${String(key)} ends at ${field.offset + field.byteLength} of ${byteLength}`,
      );
    }
    at[key] = field.offset;
  }
  const { growing = false, within = '', bitWords = {} } = options;
  return { name, byteLength, fields, at, growing, within, bitWords };
}

/**
 * Writes integers into a struct, little-endian (both supported architectures are). Fields not named keep their
 * contents; negative values are stored in two's complement. For set-up calls, not for hot paths.
 */
export function pack<F extends Record<string, Field>>(
  target: Uint8Array,
  shape: Layout<F>,
  values: { [K in keyof F]?: number | bigint },
  structOffset = 0,
): void {
  const view = new DataView(target.buffer, target.byteOffset + structOffset, shape.byteLength);
  for (const key of Object.keys(values) as (keyof F)[]) {
    const field = shape.fields[key]!;
    const value = values[key];
    if (value === undefined) continue;
    if (field.byteLength === 8) view.setBigUint64(field.offset, BigInt.asUintN(64, BigInt(value)), true);
    else if (field.byteLength === 4) view.setUint32(field.offset, Number(value), true);
    else if (field.byteLength === 2) view.setUint16(field.offset, Number(value), true);
    else if (field.byteLength === 1) view.setUint8(field.offset, Number(value));
    else throw new RangeError(`${shape.name}.${String(key)} is not an integer`);
  }
}

/** Reads one unsigned integer field of 1, 2 or 4 bytes. */
export function unpack<F extends Record<string, Field>>(
  source: Uint8Array,
  shape: Layout<F>,
  key: keyof F,
  structOffset = 0,
): number {
  const field = shape.fields[key]!;
  const view = new DataView(source.buffer, source.byteOffset + structOffset, shape.byteLength);
  if (field.byteLength === 4) return view.getUint32(field.offset, true);
  if (field.byteLength === 2) return view.getUint16(field.offset, true);
  if (field.byteLength === 1) return view.getUint8(field.offset);
  throw new RangeError(`${shape.name}.${String(key)} does not fit a number: use a DataView`);
}

/** The value for the running architecture. Loopscope supports two. */
export function perArch<T>(values: { x64: T; arm64: T }): T {
  return process.arch === 'arm64' ? values.arm64 : values.x64;
}
