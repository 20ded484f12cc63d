import { addressOf, offHeap } from './libc.ts';

/** Memory the kernel may read from while a send is under way; the address is kept in the forms the calls need. */
export class SendArea {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly address: bigint;
  /** The same address as a double: exact, for addresses of user space have at most 48 bits. */
  readonly addressNumber: number;

  constructor(byteLength: number) {
    this.bytes = offHeap(byteLength);
    this.address = addressOf(this.bytes);
    this.addressNumber = Number(this.address);
  }
}
