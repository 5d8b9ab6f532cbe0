/** Staged models and files move into a repository: each version appears whole. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileError } from '../../base/files';
import { discardAtExit } from '../../base/temporary';

/**
 * An empty folder beside the repository, on the same disk: Triton takes every folder inside for a model, hidden ones too. Only
 * where the repository is a disk of its own it is inside.
 */
export function makeStagingFolder(repository: string): string {
  const place = path.resolve(repository);
  const parent = path.dirname(place);
  try {
    mkdirSync(parent, { recursive: true });
    const apart = existsSync(place) && statSync(place).dev !== statSync(parent).dev;
    const stage = path.join(apart ? place : parent, `.${path.basename(place)}-export-${process.pid}`);
    rmSync(stage, { recursive: true, force: true });
    mkdirSync(stage);
    discardAtExit(stage);
    return stage;
  } catch (error) {
    throw fileError('write', repository, error);
  }
}

/**
 * Moves what is in `stage`: a whole repository where there is none; else, model by model in the order of `models`, a new model or
 * a new version with the files beside it, and the repository's own files last. Where a move fails, all is as it was.
 */
export function publish(stage: string, repository: string, models: readonly string[], version: string): void {
  const undo: (() => void)[] = [];
  const move = (from: string, to: string) => {
    // What is replaced waits in the place of what replaces it.
    const old = `${from}.old`;
    if (existsSync(to)) {
      renameSync(to, old);
      undo.push(() => renameSync(old, to));
    }
    renameSync(from, to);
    undo.push(() => rmSync(to, { recursive: true, force: true }));
  };
  try {
    if (!existsSync(repository)) {
      move(stage, repository);
      return;
    }
    for (const model of models) {
      const [from, to] = [path.join(stage, model), path.join(repository, model)];
      if (existsSync(to)) {
        move(path.join(from, version), path.join(to, version));
        moveFiles(from, to, move);
      } else move(from, to);
    }
    moveFiles(stage, repository, move);
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw fileError('write', repository, error);
  }
}

/** A file replaces the one of its name. */
function moveFiles(from: string, to: string, move: (from: string, to: string) => void): void {
  for (const entry of readdirSync(from, { withFileTypes: true }))
    if (entry.isFile()) move(path.join(from, entry.name), path.join(to, entry.name));
}
