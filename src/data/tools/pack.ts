/** `selfie data pack`: every image decoded once, into a file that `packed:FILE` reads. */
import type { Broken } from '../../base/broken';
import { UserError } from '../../base/errors';
import type { BrokenImage } from '../batches/options';
import { commonClasses } from '../sources/classes';
import { readSquare } from './info';
import { type PackedSplit, writePacked } from '../sources/packed';
import { type Source } from '../sources/source';
import { publicSource } from '../sources/publicSource';
import { openSource } from '../sources/readers';

export interface PackOptions {
  readonly spec: string;
  readonly file: string;
  /** side of the squares that photographs become; undefined for sources of pixels, which stay as they are */
  readonly size?: number;
  /** what photographs become, gray or RGB (the default); undefined for sources of pixels */
  readonly channels?: 1 | 3;
  /** images that cannot be decoded; default fail */
  readonly broken?: Broken;
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
  channels: 1 | 3,
  skip: boolean,
  broken: BrokenImage[],
): PackedSplit['images'] {
  const start = (index: number) => {
    const pixels =
      source.kind === 'pixels' && size === undefined
        ? Promise.resolve(source.pixels(index))
        : readSquare(source, index, size ?? 0, channels).then((image) => image.pixels);
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
 * @throws UserError for a size that is missing, a size or channels that make no sense, splits whose labels disagree, and for broken images unless they are to be skipped
 */
export async function packSource(options: PackOptions): Promise<PackReport> {
  const { spec, file, size, broken: policy } = options;
  const { sources, missing } = await openSplits(spec);
  try {
    const [first] = sources;
    const encoded = first.kind === 'encoded';
    if (encoded && size === undefined) {
      throw new UserError(
        `${spec} has photographs of any size; give the side of the packed squares: --size 256`,
      );
    }
    if (!encoded && (size ?? options.channels) !== undefined) {
      const given = size !== undefined ? `--size ${size}` : `--channels ${options.channels}`;
      const stored = `${first.width} x ${first.height} pixels and ${first.channels} channels`;
      throw new UserError(`${given}: ${spec} has images of ${stored}, packed as they are`);
    }
    const broken: BrokenImage[] = [];
    const stored = first.kind === 'pixels' ? first : { width: size ?? 0, height: size ?? 0, channels: 3 };
    const channels = options.channels ?? (stored.channels === 1 ? 1 : 3);
    const { width, height } = stored;
    const classes = commonClasses(first, sources[sources.length - 1]);
    const resizable = encoded || first.resizable === true;
    const lengths = await writePacked(
      file,
      { source: publicSource(spec), width, height, channels, resizable, classes: classes && [...classes] },
      sources.map((source) => ({
        split: source.split,
        images: decoded(source, size, channels, policy === 'skip', broken),
      })),
    );
    return { splits: sources.map(({ split }, i) => ({ split, length: lengths[i] })), missing, broken };
  } finally {
    for (const source of sources) source.close();
  }
}
