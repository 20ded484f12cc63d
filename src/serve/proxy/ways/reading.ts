/**
 * What the readers of this folder have in common. A reader is given the connection's first bytes, from the first on and
 * each time all that have come, and says what it makes of them. It remembers how far it has looked, so that a head that
 * comes a byte at a time costs no more than one in one piece.
 */
// Invariants
//  R1  read() never throws, and reads no byte outside [start, end), whatever the bytes.
//  R2  `next` is the first byte that is not the head's: it and all behind it belong to the tunnel.
//  R3  Nothing is allocated but the result, once, when the head is whole.
export const READ = { more: 0, done: 1, refused: 2 } as const;

export type Read = (typeof READ)[keyof typeof READ];
