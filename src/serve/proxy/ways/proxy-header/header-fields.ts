import type { Endpoint } from '../way.ts';

/** A further field of version 2. */
export type Tlv = { readonly type: number; readonly value: Uint8Array };

export type ProxyHeader = {
  readonly version: 1 | 2;
  /** Null where the sender speaks for itself (LOCAL) or does not know (UNKNOWN, UNSPEC): the connection's own stand. */
  readonly source: Endpoint | null;
  readonly destination: Endpoint | null;
  readonly tlvs: readonly Tlv[];
};
