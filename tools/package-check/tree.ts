/** What an installation of the package brings: its packages, what they ask of Node, and how large they are. */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gte, subset } from 'semver';
import { z } from 'zod';

const packageSchema = z.object({
  name: z.string(),
  version: z.string(),
  engines: z.object({ node: z.string().optional() }).optional(),
});

export interface Installed extends z.infer<typeof packageSchema> {
  readonly folder: string;
}

/** The packages in `modules`, a folder node_modules, and in theirs. */
export function installedPackages(modules: string): Installed[] {
  if (!existsSync(modules)) return [];
  return readdirSync(modules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@')
        ? readdirSync(path.join(modules, name)).map((each) => path.join(name, each))
        : name,
    )
    .map((name) => path.join(modules, name))
    .flatMap((folder) => {
      const text = readFileSync(path.join(folder, 'package.json'), 'utf8');
      const found = packageSchema.parse(JSON.parse(text));
      return [{ ...found, folder }, ...installedPackages(path.join(folder, 'node_modules'))];
    });
}

/** Packages that do not run on all of `range`. */
export const tooNarrow = (packages: readonly Installed[], range: string): string[] =>
  packages.flatMap(({ name, version, engines }) =>
    engines?.node === undefined || subset(range, engines.node)
      ? []
      : `${name} ${version} wants Node ${engines.node}`,
  );

/** Packages with a known hole: protobufjs before 7.2.5 (CVE-2023-36665). */
export const unsafe = (packages: readonly Installed[]): string[] =>
  packages.flatMap(({ name, version }) =>
    name === 'protobufjs' && !gte(version, '7.2.5') ? `${name} ${version}` : [],
  );

/** Bytes of the files in `folder`. */
export const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => lstatSync(path.join(folder, name)))
    .reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
