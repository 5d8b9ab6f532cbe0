/** config.json and preprocessor_config.json of a folder for the Hugging Face Hub. */
import { imageShape } from '../../bundle/imageShape';
import type { Recipe } from '../../bundle/recipe';
import { CENTER_CROP } from '../../data/images/transforms';
import type { CardData } from './cardData';

/** `resnet50`, or `resnetv2_50` for pre-activation, as timm has it: weighted layers of the stages, the stem and the classifier. */
export function architecture({ version, stages }: Recipe['network']): string {
  const depth = 3 * stages.reduce((sum, blocks) => sum + blocks, 0) + 2;
  return version === 'v1' ? `resnet${depth}` : `resnetv2_${depth}`;
}

export function modelConfig({ manifest, labels, outputs }: CardData): Record<string, unknown> {
  const { recipe, recipeName, producer } = manifest;
  const { width, height } = imageShape(recipe.image);
  const features = outputs.find(({ name }) => name === 'embedding')?.shape[1];
  return {
    architecture: architecture(recipe.network),
    num_classes: labels?.length ?? 0,
    num_features: features,
    // as timm and transformers have it: one number for squares, else height and width
    image_size: width === height ? width : [height, width],
    num_channels: recipe.image.channels,
    ...(labels && {
      id2label: Object.fromEntries(labels.map((label, i) => [i, label])),
      label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
    }),
    producer,
    recipe_name: recipeName,
    recipe,
  };
}

/** The shorter side that a picture is resized to before the middle is cut out. */
export const shorterSide = (size: number) => Math.round(size / CENTER_CROP);

/**
 * For transformers' BitImageProcessor, which resizes the shorter side and cuts the middle, for every size alike; its linear
 * filter (`resample` 2) widens where it reduces, as ours. That pictures of the right size are taken whole it cannot say. Null
 * for rectangles, which it cuts otherwise, for 16 bits and for other channels than those of pictures.
 */
export function preprocessorConfig(image: Recipe['image']): Record<string, unknown> | null {
  const { width: size, height, channels, bits } = imageShape(image);
  if (size !== height || bits !== 8 || (channels !== 1 && channels !== 3)) return null;
  return {
    image_processor_type: 'BitImageProcessor',
    do_convert_rgb: channels === 3,
    do_resize: true,
    size: { shortest_edge: shorterSide(size) },
    resample: 2,
    do_center_crop: true,
    crop_size: { height: size, width: size },
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: image.mean,
    image_std: image.std,
  };
}
