/** `selfie data pack`: every image decoded once, into a file that `packed:FILE` reads. */
import { UserError } from '../errors';
import type { BrokenImage } from './batch';
import { readSquare } from './info';
import { type PackedSplit, writePacked } from './packed';
import { openSource, type Source } from './source';

export interface PackOptions {
  readonly spec: string;
  readonly file: string;
  /** side of the squares that photographs become; undefined for sources of pixels, which stay as they are */
  readonly size?: number;
  /** images that cannot be decoded; default fail */
  readonly broken?: 'fail' | 'skip';
}

export interface PackReport {
  readonly splits: readonly { readonly split: Source['split']; readonly length: number }[];
  /** splits that the source has not, or that cannot be read, and why */
  readonly missing: readonly string[];
  readonly broken: readonly BrokenImage[];
}

/** Opens each split that a source has; why not, for one that it has not. UserError where it has none. */
export async function openSplits(spec: string): Promise<{ sources: Source[]; missing: string[] }> {
  const sources: Source[] = [];
  const missing: string[] = [];
  let failure: unknown;
  for (const split of ['train', 'test'] as const) {
    if (sources.some((source) => source.split === 'all')) break;
    try {
      sources.push(await openSource(spec, split));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      failure ??= error;
      missing.push(`${split}: ${error.message}`);
    }
  }
  if (sources.length === 0) throw failure;
  return { sources, missing };
}

/** Images decoded ahead of the one that is written. */
const AHEAD = 4;

async function* decoded(
  source: Source,
  size: number | undefined,
  skip: boolean,
  broken: BrokenImage[],
): PackedSplit['images'] {
  const start = (index: number) => {
    const pixels =
      source.kind === 'pixels' && size === undefined
        ? Promise.resolve(source.pixels(index))
        : readSquare(source, index, size ?? 0).then((image) => image.pixels);
    // It may fail before its turn; whoever takes it still gets the error.
    pixels.catch(() => undefined);
    return pixels;
  };
  const pending: Promise<Uint8Array>[] = [];
  for (let index = 0; index < source.length; index++) {
    while (pending.length < AHEAD && index + pending.length < source.length)
      pending.push(start(index + pending.length));
    try {
      yield { pixels: (await pending.shift()) ?? new Uint8Array(0), label: source.label(index) };
    } catch (error) {
      if (!skip || !(error instanceof UserError)) throw error;
      broken.push({ index, where: source.where(index), reason: error.message });
    }
  }
}

/**
 * Packs every split of a source. Sources of pixels are packed as they are; of photographs the middle square is kept, resized
 * to `size`, and training on the file crops at random from that.
 * @throws UserError for a size that is missing or makes no sense, and for broken images unless they are to be skipped
 */
export async function packSource({ spec, file, size, broken: policy }: PackOptions): Promise<PackReport> {
  const { sources, missing } = await openSplits(spec);
  try {
    const [first] = sources;
    const encoded = first.kind === 'encoded';
    if (encoded && size === undefined) {
      throw new UserError(
        `${spec} has photographs of any size; give the side of the packed squares: --size 256`,
      );
    }
    if (!encoded && size !== undefined) {
      throw new UserError(
        `--size ${size}: ${spec} has images of ${first.width} x ${first.height}, packed as they are`,
      );
    }
    const broken: BrokenImage[] = [];
    const shape =
      first.kind === 'pixels'
        ? {
            width: first.width,
            height: first.height,
            channels: first.channels === 1 ? (1 as const) : (3 as const),
          }
        : { width: size ?? 0, height: size ?? 0, channels: 3 as const };
    const resizable = encoded || first.resizable === true;
    const lengths = await writePacked(
      file,
      { source: spec, ...shape, resizable, classes: first.classes ? [...first.classes] : null },
      sources.map((source) => ({
        split: source.split,
        images: decoded(source, size, policy === 'skip', broken),
      })),
    );
    return { splits: sources.map(({ split }, i) => ({ split, length: lengths[i] })), missing, broken };
  } finally {
    for (const source of sources) source.close();
  }
}
