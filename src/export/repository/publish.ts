/** Staged models and files move into a repository: each version appears whole, and all of them or none. */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { clearLeft } from '../../base/aside';
import { fileError } from '../../base/files';
import type { Move } from '../../base/moves';
import { Staging } from '../../base/staging';

/** In the staging folder: what the repository would be if it had nothing. */
const NEW = 'new';

export interface Stage {
  readonly staging: Staging;
  /** where the models and files are made, as they shall lie in the repository */
  readonly folder: string;
}

/** Finishes what an export that was killed had begun to move into the repository, and removes what it had not. */
export function finishPublished(repository: string): void {
  const place = path.resolve(repository);
  clearLeft(path.dirname(place));
  clearLeft(place);
}

/**
 * An empty folder beside the repository, on the same disk: Triton takes every folder inside for a model, hidden ones too. Only
 * where the repository is a disk of its own it is inside.
 */
export function makeStage(repository: string): Stage {
  const place = path.resolve(repository);
  const parent = path.dirname(place);
  try {
    mkdirSync(parent, { recursive: true });
    const apart = existsSync(place) && statSync(place).dev !== statSync(parent).dev;
    const staging = new Staging(path.join(apart ? place : parent, `.${path.basename(place)}`));
    mkdirSync(staging.inside(NEW));
    return { staging, folder: staging.inside(NEW) };
  } catch (error) {
    throw fileError('write', repository, error);
  }
}

/**
 * Moves what is in the stage: a whole repository where there is none; else, model by model in the order of `models`, a new model
 * or a new version with the files beside it, and the repository's own files last. Where a move fails, all is as it was.
 */
export function publish(
  { staging }: Stage,
  repository: string,
  models: readonly string[],
  version: string,
): void {
  const moves: Move[] = [];
  const move = (...names: string[]) =>
    moves.push([path.join(NEW, ...names), path.join(repository, ...names)]);
  const moveFiles = (...names: string[]) => {
    for (const entry of readdirSync(staging.inside(NEW, ...names), { withFileTypes: true }))
      if (entry.isFile()) move(...names, entry.name);
  };
  if (!existsSync(repository)) move();
  else {
    for (const model of models) {
      if (existsSync(path.join(repository, model))) {
        move(model, version);
        moveFiles(model);
      } else move(model);
    }
    moveFiles();
  }
  try {
    staging.commit(moves);
  } catch (error) {
    throw fileError('write', repository, error);
  }
}
