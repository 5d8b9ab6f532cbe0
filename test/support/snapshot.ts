import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Every file under a folder, with what it holds. */
export const snapshot = (folder: string) =>
  new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => path.join(parentPath, name))
      .sort()
      .map((file) => [path.relative(folder, file), readFileSync(file, 'utf8')]),
  );
