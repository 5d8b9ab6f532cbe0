/** `experiment.json`: what a folder of runs is for, and on which images, so that nothing else goes on in it. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { UserError } from '../base/errors';
import { writeFileAtomic } from '../base/files';
import { openSource } from '../data/sources/readers';
import { contentDifference, contentOf } from '../run/content';
import { contentSchema, type Content } from '../run/runIdentity';
import { experimentSchema, type Experiment } from './schema';

const splitsSchema = z.strictObject({ train: contentSchema, test: contentSchema });
const claimSchema = z.strictObject({
  experiment: experimentSchema,
  /** by data set, wherever it lies */
  contents: z.record(z.string(), splitsSchema),
});
export type Contents = z.infer<typeof claimSchema>['contents'];

/** Both splits of a source. UserError where one cannot be opened. */
export async function contentsOf(spec: string): Promise<z.infer<typeof splitsSchema>> {
  const of = async (split: 'train' | 'test'): Promise<Content> => {
    const source = await openSource(spec, split);
    try {
      return contentOf(source);
    } finally {
      source.close();
    }
  };
  return { train: await of('train'), test: await of('test') };
}

/** Notes what the folder is for; UserError where that is another experiment, or the same on other images. */
export function claim(directory: string, experiment: Experiment, contents: Contents): void {
  const file = path.join(directory, 'experiment.json');
  const before = existsSync(file) ? read(file) : null;
  const anew = 'give another --out, or remove it to start anew';
  if (before && !isDeepStrictEqual(before.experiment, plain(experiment)))
    throw new UserError(`${directory} holds another experiment (see ${file}); ${anew}`);
  for (const [name, splits] of Object.entries(before?.contents ?? {})) {
    const now = contents[name];
    if (now === undefined)
      throw new UserError(
        `${directory} was begun with a source for ${name}; give --data ${name}:PATH too, or ${anew}`,
      );
    for (const split of ['train', 'test'] as const) {
      const difference = contentDifference(splits[split], now[split]);
      if (difference !== null)
        throw new UserError(
          `${name}: these are not the ${split} images that ${directory} was begun with: ${difference}; give those, or ${anew}`,
        );
    }
  }
  const added = before && Object.keys(contents).find((name) => !Object.hasOwn(before.contents, name));
  if (added) throw new UserError(`${directory} was begun without ${added}; leave its --data out, or ${anew}`);
  writeFileAtomic(file, `${JSON.stringify({ experiment, contents }, null, 2)}\n`);
}

/** As JSON gives it back: without keys that are undefined. */
const plain = (experiment: Experiment): Experiment => JSON.parse(JSON.stringify(experiment)) as Experiment;

function read(file: string): z.infer<typeof claimSchema> {
  try {
    return claimSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new UserError(
      `${file}: not what \`selfie experiment\` of this version writes; give another --out, or remove it to start anew`,
      { cause: error },
    );
  }
}
