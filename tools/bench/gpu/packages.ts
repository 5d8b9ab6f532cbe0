/** What is packed: the packages that run, from package-lock.json, and their versions. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../src/base/errors';

export const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
    }),
  ),
});
export type Lock = z.infer<typeof lockSchema>;

export const readLock = (root: string): Lock =>
  lockSchema.parse(JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')));

/** Folders under the repository; those of other platforms are not installed, so not there. */
export const packagesToRun = (lock: Lock, exists: (folder: string) => boolean): string[] =>
  Object.entries(lock.packages).flatMap(([folder, { dev, devOptional }]) =>
    folder !== '' && dev !== true && devOptional !== true && exists(folder) ? folder : [],
  );

/** The locked version, which must also be the installed one. */
export function runtimeVersion(root: string, lock: Lock): string {
  const folder = 'node_modules/onnxruntime-node';
  const locked = lock.packages[folder]?.version;
  const manifest = path.join(root, folder, 'package.json');
  if (locked === undefined || !existsSync(manifest))
    throw new UserError(`${root}: onnxruntime-node is not installed; run npm ci`);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  if (version !== locked)
    throw new UserError(`${manifest}: version ${version}, package-lock.json has ${locked}; run npm ci`);
  return version;
}

/** The pinned line of a package in a requirements file: `safetensors==0.8.0`. */
export function pinned(requirements: string, name: string): string {
  const line = requirements.split('\n').find((text) => text.startsWith(`${name}==`));
  if (line === undefined) throw new Error(`requirements.txt does not pin ${name}`);
  return line.trim();
}
