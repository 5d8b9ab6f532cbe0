/**
 * A model repository in Triton's layout: NAME/VERSION/model.onnx, or the file that config.pbtxt in NAME names, with labels.txt in
 * NAME. An ensemble's versions hold no model. All of it lies inside of the repository, whatever links there are.
 */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { clearLeft } from '../base/aside';
import { UserError } from '../base/errors';
import { fileError } from '../base/files';
import {
  CONFIG_FILE,
  MODEL_FILE,
  readModelConfig,
  type ModelConfig,
  type VersionPolicy,
} from './modelConfig';
import { RepositoryFiles } from './repositoryFiles';

export { MODEL_FILE };

export interface ModelFolder {
  readonly name: string;
  readonly config: ModelConfig;
  /** those that its policy asks for, newest first */
  readonly versions: readonly VersionFolder[];
}

export interface VersionFolder {
  /** a whole number of at least 1 */
  readonly version: string;
  /** of an ensemble there is none */
  readonly file: string;
  /** changes with sizes and times of whatever the version is read from */
  readonly fingerprint: string;
}

/** A model whose folder cannot be read. */
export interface BadFolder {
  readonly name: string;
  readonly problem: string;
}

/** The models in a repository by name. Throws a UserError where the folder itself cannot be read. */
export function readRepository(directory: string): { models: ModelFolder[]; bad: BadFolder[] } {
  // An export that was killed may have moved some of its models here: the others follow.
  clearLeft(path.dirname(path.resolve(directory)));
  clearLeft(directory);
  const models: ModelFolder[] = [];
  const bad: BadFolder[] = [];
  const files = new RepositoryFiles(directory);
  for (const name of folders(directory).sort()) {
    const folder = path.join(directory, name);
    try {
      files.requireInside(folder);
      const numbered = folders(folder).filter((version) => /^[1-9]\d*$/.test(version));
      if (numbered.length === 0) continue;
      const config = readModelConfig(folder, files);
      const fileOf = (version: string) => path.join(folder, version, config.filename);
      const found = numbered.filter((version) => {
        files.requireInside(path.join(folder, version));
        return config.ensemble !== null || files.has(fileOf(version));
      });
      if (found.length === 0 && config.filename !== MODEL_FILE)
        throw new UserError(`${path.join(folder, CONFIG_FILE)}: no version has a ${config.filename}`);
      if (found.length === 0) continue;
      const versions = choose(found, config.policy).map((version) => ({
        version,
        file: fileOf(version),
        fingerprint: fingerprint(folder, version, config),
      }));
      models.push({ name, config, versions });
    } catch (error) {
      bad.push({ name, problem: error instanceof Error ? error.message : String(error) });
    }
  }
  return { models, bad };
}

/** Names of the folders in it but for hidden ones. */
function folders(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => !entry.name.startsWith('.'))
      .filter((entry) => entry.isDirectory() || (entry.isSymbolicLink() && isFolder(directory, entry.name)))
      .map(({ name }) => name);
  } catch (error) {
    throw fileError('read', directory, error);
  }
}

const isFolder = (directory: string, name: string) =>
  statSync(path.join(directory, name), { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Newest first; versions have no leading zero, so the longer is the larger. */
export const compareVersions = (a: string, b: string) => b.length - a.length || (a < b ? 1 : a > b ? -1 : 0);

function choose(found: readonly string[], policy: VersionPolicy): string[] {
  const newest = [...found].sort(compareVersions);
  if (policy.kind === 'all') return newest;
  if (policy.kind === 'latest') return newest.slice(0, policy.count);
  return newest.filter((version) => policy.versions.includes(version));
}

function fingerprint(folder: string, version: string, { labelsFile }: ModelConfig): string {
  const files = readdirSync(path.join(folder, version)).map((name) => path.join(version, name));
  return [CONFIG_FILE, labelsFile, ...files.sort()]
    .map((name) => {
      const stat = statSync(path.join(folder, name), { throwIfNoEntry: false });
      return stat ? `${name} ${stat.size} ${stat.mtimeMs}` : '';
    })
    .join('\n');
}
