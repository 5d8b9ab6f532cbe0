/** What pages have in the place of `node:crypto`: SHA-256 without waiting, which browsers have only for some addresses. */
import { sha256 } from '@noble/hashes/sha2';
import { bytesToHex } from '@noble/hashes/utils';

export function createHash(algorithm: 'sha256') {
  if (algorithm !== 'sha256') throw new Error(`no ${String(algorithm)} in pages`);
  const hash = sha256.create();
  return {
    update: (text: string): void => void hash.update(text),
    /** in hexadecimal, the only form that is asked for */
    digest: (): string => bytesToHex(hash.digest()),
  };
}
