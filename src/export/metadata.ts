/** What an exported file says of itself: metadata_props, which are strings; lists and the recipe as JSON. */
import type { Manifest } from '../bundle/manifest';
import { CENTER_CROP } from '../data/images/transforms';
import type { ExportForm, ExportInput } from './form';
import { imagesOf, type Measurement } from './measure';

export interface ExportDetails {
  readonly classes: readonly string[] | null;
  /** licence of the training data, as given */
  readonly license: string | null;
  /** what was trained on, as given */
  readonly data: string | null;
  readonly step: number;
}

const INPUT: Readonly<Record<ExportInput, (size: number, channels: number) => string>> = {
  float: (size, channels) =>
    `image float32 [batch, ${channels}, ${size}, ${size}], channels first, (x / 255 - mean) / std of ${channels === 1 ? 'gray' : 'RGB'} x in 0 to 255`,
  uint8: (size, channels) =>
    `image uint8 [batch, ${size}, ${size}, ${channels}], channels last, ${channels === 1 ? 'gray' : 'RGB'}, 0 to 255; normalization is inside`,
  photo: (size, channels) =>
    `image uint8 [batch, height, width, ${channels}], channels last, ${channels === 1 ? 'gray' : 'RGB'}, 0 to 255, any size; the middle is cut, resized to ${size} x ${size} and normalized inside`,
};

export function exportMetadata(
  { recipe, recipeName, producer }: Manifest,
  { kind, input, precision }: ExportForm,
  { classes, license, data, step }: ExportDetails,
  measured: Measurement | null,
): Record<string, string> {
  const { size, channels, mean, std } = recipe.image;
  const accuracy = measured?.accuracy ?? null;
  const optional: Record<string, string> = {
    ...(classes && kind === 'classifier' && { classes: JSON.stringify(classes) }),
    ...(data !== null && { data }),
    ...(license !== null && { data_license: license }),
    ...(measured &&
      accuracy !== null && {
        accuracy: String(accuracy),
        accuracy_images: String(measured.images),
        accuracy_data: imagesOf(measured),
      }),
  };
  return {
    kind,
    precision,
    task: recipe.task,
    recipe_name: recipeName,
    recipe: JSON.stringify(recipe),
    producer,
    step: String(step),
    mean: JSON.stringify(mean),
    std: JSON.stringify(std),
    crop: String(CENTER_CROP),
    input: INPUT[input](size, channels),
    ...optional,
  };
}
