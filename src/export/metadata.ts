/** What an exported file says of itself: metadata_props, which are strings; lists and the recipe as JSON. */
import { channelNames, imageShape, type ImageShape } from '../bundle/imageShape';
import type { Manifest } from '../bundle/manifest';
import { CENTER_CROP } from '../data/images/transforms';
import { largestPixel, pixelType } from '../tensors/pixels';
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

const INPUT: Readonly<Record<ExportInput, (image: ImageShape) => string>> = {
  float: ({ height, width, channels, bits }) =>
    `image float32 [batch, ${channels}, ${height}, ${width}], channels first, (x / ${largestPixel(bits)} - mean) / std of ${channelNames(channels)} x in 0 to ${largestPixel(bits)}`,
  uint8: ({ height, width, channels, bits }) =>
    `image ${pixelType(bits)} [batch, ${height}, ${width}, ${channels}], channels last, ${channelNames(channels)}, 0 to ${largestPixel(bits)}; normalization is inside`,
  photo: ({ height, width, channels, bits }) =>
    `image ${pixelType(bits)} [batch, height, width, ${channels}], channels last, ${channelNames(channels)}, 0 to ${largestPixel(bits)}, any size; the middle is cut, resized to ${width} x ${height} and normalized inside`,
};

export function exportMetadata(
  { recipe, recipeName, producer }: Manifest,
  { kind, input, precision }: ExportForm,
  { classes, license, data, step }: ExportDetails,
  measured: Measurement | null,
): Record<string, string> {
  const { mean, std } = recipe.image;
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
    input: INPUT[input](imageShape(recipe.image)),
    ...optional,
  };
}
