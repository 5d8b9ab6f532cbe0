/** The files of `embed`, made of its parts once all are there; they appear whole, and the same however often it was stopped. */
import path from 'node:path';
import { append } from '../base/lists';
import { stage } from '../base/staging';
import type { BrokenImage } from '../data/batches/options';
import type { Source } from '../data/sources/source';
import { UserError } from '../base/errors';
import { imageName, type ImageSet } from './imageSet';
import type { ImageModel, Output } from './model';
import type { Part, PartialRows } from './partial';
import { rowBlocks } from './rowBlocks';
import { writeNumpy } from './writeNumpy';
import { writeParquet } from './writeParquet';

/** What is written for `--to`: that file, and beside an array what its rows are. UserError for another kind. */
export function resultFiles(to: string): readonly string[] {
  const { name, ext } = path.parse(to);
  if (name !== '' && ext === '.parquet') return [to];
  if (name !== '' && ext === '.npy') return [`${to.slice(0, -'.npy'.length)}.csv`, to];
  throw new UserError(`--to ${to}: expected a name that ends in .parquet or .npy`);
}

export interface EmbedResult {
  readonly splits: { readonly split: Source['split']; readonly rows: number }[];
  /** numbers a row; 0: there is no row, and no file was written */
  readonly width: number;
  readonly broken: BrokenImage[];
}

/** Writes the files, both or none. */
export async function writeResult(
  files: readonly string[],
  { spec, sources }: ImageSet,
  partial: PartialRows,
  model: ImageModel,
  output: Output,
): Promise<EmbedResult> {
  const splits = sources.map(({ split }) => ({ split, rows: 0 }));
  const broken: BrokenImage[] = [];
  let width = 0;
  function* parts(): Generator<readonly [Source, Part]> {
    for (const [i, source] of sources.entries())
      for (const part of partial.parts(source.split)) {
        splits[i].rows += part.indices.length;
        append(broken, part.broken);
        if (part.indices.length > 0) width = part.width;
        yield [source, part];
      }
  }
  const blocks = rowBlocks(parts(), (source, index) => imageName(spec, source.where(index)));
  await stage(files[files.length - 1], async (staging) => {
    const names = files.map((file) => path.basename(file));
    const made = names.map((name) => staging.inside(name));
    if (files.length === 1) await writeParquet(made[0], output, blocks, describe(model, output, spec));
    else writeNumpy(made[1], made[0], blocks);
    if (width > 0) staging.commit(files.map((file, i) => [names[i], file]));
  });
  return { splits, width, broken };
}

/** The key-value metadata of a Parquet file. */
function describe({ name, step, recipeName, recipe, classes }: ImageModel, output: Output, source: string) {
  return {
    source,
    model: name,
    output,
    ...(step !== null && { step: String(step) }),
    ...(recipeName !== null && { recipe_name: recipeName }),
    ...(recipe !== null && { recipe }),
    ...(output !== 'embedding' && classes && { classes: JSON.stringify(classes) }),
  };
}
