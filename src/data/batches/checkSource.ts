/** Whether a source's images are what a graph takes. */
import { UserError } from '../../base/errors';
import { imageShape } from '../../bundle/imageShape';
import type { BatchOptions } from './options';
import type { EncodedSource, PixelSource } from '../sources/source';

/**
 * @throws UserError where the source does not fit: size, channels, no labels, more classes than the network has
 */
export function checkSource(
  source: Omit<EncodedSource, 'bytes' | 'key' | 'storedBytes'> | PixelSource,
  options: Pick<BatchOptions, 'image' | 'labels'> & Partial<Pick<BatchOptions, 'mode'>>,
): void {
  const { image, labels } = options;
  if (source.kind === 'pixels') {
    const { width, height, channels, name } = source;
    const shape = imageShape(image);
    if (!source.resizable && (width !== shape.width || height !== shape.height)) {
      const isSquare = width === height && image.height === undefined;
      const keys = isSquare ? `image.size=${width}` : `image.height=${height} --set image.width=${width}`;
      throw new UserError(
        `${name} has images of ${width} x ${height}, the graph takes ${shape.width} x ${shape.height}; ` +
          `build it with --set ${keys}`,
      );
    }
    if (channels !== image.channels) {
      throw new UserError(
        `${name} has ${channels} channels, the graph takes ${image.channels}; build it with --set image.channels=${channels}`,
      );
    }
  }
  if (labels === undefined) return;
  if (source.classes === null) {
    throw new UserError(`${source.name} has no labels, and this graph learns from labels`);
  }
  // Accuracy would be 100 % of nothing.
  if (options.mode === 'train' && !hasTwoClasses(source))
    throw new UserError(
      `${source.name} has one class alone, ${source.classes[source.label(0) ?? 0]}, and a classifier needs two; ` +
        'give the folder whose folders are the classes, or take images:PATH where they are none',
    );
  if (source.classes.length > labels.classes) {
    throw new UserError(
      `${source.name} has ${source.classes.length} classes, the network ${labels.classes}; ` +
        `build it with --set network.classes=${source.classes.length}`,
    );
  }
}

/** Whether two labels are in use, whatever else is named. */
function hasTwoClasses({ length, label }: Pick<PixelSource, 'length' | 'label'>): boolean {
  const first = label(0);
  for (let i = 1; i < length; i++) if (label(i) !== first) return true;
  return false;
}
