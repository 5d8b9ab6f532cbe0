/** The pixels that a network takes, from the image settings of its recipe. */
import type { PixelBits } from '../tensors/pixels';
import type { Recipe } from './recipe';

/** Settings that decide the shape of an image. */
export type ImageSettings = Pick<Recipe['image'], 'size' | 'height' | 'width' | 'channels' | 'bits'>;

/** An image as it is stored: [height, width, channels] whole numbers of so many bits. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly bits: PixelBits;
}

/** `image.height` and `image.width` take the place of `image.size`; without `image.bits` there are 8. */
export const imageShape = ({
  size,
  height = size,
  width = size,
  channels,
  bits = 8,
}: ImageSettings): ImageShape => ({ height, width, channels, bits });

/** The sizes of one image without the batch: [height, width, channels]. */
export function imageDims(image: ImageSettings): [height: number, width: number, channels: number] {
  const { height, width, channels } = imageShape(image);
  return [height, width, channels];
}

/** Numbers in one image. */
export function imageLength(image: ImageSettings): number {
  const [height, width, channels] = imageDims(image);
  return height * width * channels;
}

/** `gray`, `RGB`, or `4 channels`. */
export const channelNames = (channels: number): string =>
  channels === 1 ? 'gray' : channels === 3 ? 'RGB' : `${channels} channels`;
