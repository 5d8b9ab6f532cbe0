/** Safetensors files: the format's bytes, written whole or not at all. */
import { closeSync, fstatSync, openSync } from 'node:fs';

import { fileError, readFully, writeFileAtomic } from '../base/files';
import type { HostTensor } from './dtype';
import { encodeSafetensors, parseSafetensors, type Safetensors } from './safetensorsFormat';

export type { Safetensors } from './safetensorsFormat';

/** Writes the tensors to `file` atomically and synced. Errors as `encodeSafetensors`; UserError where the system refuses. */
export function writeSafetensors(
  file: string,
  tensors: Iterable<readonly [string, HostTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  writeFileAtomic(file, encodeSafetensors(tensors, metadata));
}

/**
 * Reads `file`; each tensor owns its data. BF16 becomes float32. UserError naming the file where it is missing, cut
 * short, or not exactly what the format asks for.
 */
export function readSafetensors(file: string): Safetensors {
  try {
    const fd = openSync(file, 'r');
    try {
      return parseSafetensors(file, fstatSync(fd).size, (bytes, position) => readFully(fd, bytes, position));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileError('read', file, error);
  }
}
