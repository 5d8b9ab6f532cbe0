/** The images that a run kept from training, found again in a source that has to have the run's images. */
import { openSource } from '../data/sources/readers';
import type { Source } from '../data/sources/source';
import { contentDifference, contentOf, requireContent } from '../run/content';
import type { OpenRun } from '../run/openRun';
import { readValidationIndices } from '../run/validationFile';

type Run = Pick<OpenRun, 'directory' | 'settings'>;

/**
 * [images], indices in the training split of `spec`. UserError where the run kept none, or has other images: a run of an older
 * version does not know, and is believed.
 */
export async function validationImages({ directory, settings }: Run, spec: string): Promise<Int32Array> {
  const indices = readValidationIndices(directory);
  if (!settings?.content) return indices;
  const source = await openSource(spec, 'train', 'optional');
  try {
    requireContent(`--data ${spec}`, contentOf(source), settings.content, `the run in ${directory}`);
    return indices;
  } finally {
    source.close();
  }
}

/** Whether `source`, opened by `spec`, has the images of the run. */
export function isDataOf({ settings }: Run, spec: string, source: Source): boolean {
  if (!settings?.content) return settings?.data === spec;
  return contentDifference(settings.content, contentOf(source)) === null;
}
