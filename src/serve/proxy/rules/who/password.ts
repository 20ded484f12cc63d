/**
 * Passwords are kept as scrypt hashes (RFC 7914), written as others write them: `$scrypt$ln=15,r=8,p=1$salt$hash`, salt
 * and hash in base64 without padding.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

export type PasswordHash = { salt: Buffer; hash: Buffer; costLog2: number; blockSize: number; lanes: number };

/** 32 MiB and some 60 ms for one check. */
const COST_LOG2 = 15;
const BLOCK_SIZE = 8;
const LANES = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** What a check may take at most: a hash in a configuration must not be a way to use all memory. */
const MOST_BYTES = 256 << 20;
const FORM =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,2})\$([A-Za-z\d+/]{16,128})\$([A-Za-z\d+/]{22,172})$/;

/** A hash with a salt of its own, as the configuration holds it. */
export async function hashPassword(password: Uint8Array): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const form = {
    salt,
    hash: Buffer.alloc(HASH_BYTES),
    costLog2: COST_LOG2,
    blockSize: BLOCK_SIZE,
    lanes: LANES,
  };
  const hash = await derive(password, form);
  return `$scrypt$ln=${COST_LOG2},r=${BLOCK_SIZE},p=${LANES}$${unpadded(salt)}$${unpadded(hash)}`;
}

/** Null when the text is no such hash, or one that takes too much memory to check. */
export function parsePasswordHash(text: string): PasswordHash | null {
  const match = FORM.exec(text);
  if (!match) return null;
  const [costLog2, blockSize, lanes] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const bytes = 128 * 2 ** costLog2 * blockSize;
  if (costLog2 < 10 || blockSize < 1 || lanes < 1 || lanes > 16 || bytes > MOST_BYTES) return null;
  const [salt, hash] = [Buffer.from(match[4]!, 'base64'), Buffer.from(match[5]!, 'base64')];
  return { salt, hash, costLog2, blockSize, lanes };
}

/** Whether it is the password; compared in constant time, off the calling thread. */
export async function isPassword(password: Uint8Array, hash: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, hash), hash.hash);
}

function derive(password: Uint8Array, form: PasswordHash): Promise<Buffer> {
  const { salt, hash, costLog2, blockSize, lanes } = form;
  const cost = 2 ** costLog2;
  const options = { N: cost, r: blockSize, p: lanes, maxmem: MOST_BYTES * 2 };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, hash.length, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
