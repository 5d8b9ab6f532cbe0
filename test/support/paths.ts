/** Where tests find files: the repository, stored fixtures, and the shared data that only some machines have. */
import { existsSync } from 'node:fs';
import path from 'node:path';

export const repositoryRoot = process.cwd();
export const sharedData = path.resolve(repositoryRoot, '../shared/data');
export const cifarDirectory = path.join(sharedData, 'cifar-10-batches-bin');

export const fixture = (...parts: string[]) => path.join(repositoryRoot, 'test', 'fixtures', ...parts);

/** `describe` where ../shared/data is present; elsewhere a skipped block that says why. */
export function describeShared(name: string, body: () => void): void {
  if (existsSync(sharedData)) describe(name, body);
  else describe.skip(`${name} (needs ${sharedData}, which is absent)`, body);
}
