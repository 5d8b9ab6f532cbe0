/** `selfie data pack`: every image decoded once, into a file that `packed:FILE` reads. */
import type { Broken } from '../../base/broken';
import { UserError } from '../../base/errors';
import type { BrokenImage } from '../batches/options';
import { commonClasses } from '../sources/classes';
import { imageShape, type ImageSettings } from '../../bundle/imageShape';
import type { PixelBits, Pixels } from '../../tensors/pixels';
import { decodeMiddle } from '../images/decode';
import { readWhole } from './info';
import { type PackedSplit, writePacked } from '../sources/packed';
import { AbsentSplit, type Source } from '../sources/source';
import { publicSource } from '../sources/publicSource';
import type { LabelNeed } from '../sources/labels';
import { openSource } from '../sources/readers';

export interface PackOptions {
  readonly spec: string;
  readonly file: string;
  /** side of the squares that photographs become; undefined for sources of pixels, which stay as they are */
  readonly size?: number;
  /** both sides of what photographs become, in the place of `size` */
  readonly height?: number;
  readonly width?: number;
  /**
   * what photographs become, gray or RGB, or the bands that all have; default RGB, or what the first image has; undefined for
   * sources of pixels
   */
  readonly channels?: number;
  /** of a value of photographs, default 8; undefined for sources of pixels */
  readonly bits?: PixelBits;
  /** images that cannot be decoded; default fail */
  readonly broken?: Broken;
}

export interface PackReport {
  readonly splits: readonly { readonly split: Source['split']; readonly length: number }[];
  /** what was passed over, and how the data was understood */
  readonly notes: readonly string[];
  /** splits that the source has not, and why */
  readonly missing: readonly string[];
  readonly broken: readonly BrokenImage[];
}

/** Opens each split that a source has; why not, for one that it has not. UserError where it has none, and for a damaged one. */
export async function openSplits(
  spec: string,
  labels: LabelNeed = 'needed',
): Promise<{ sources: Source[]; missing: string[] }> {
  const sources: Source[] = [];
  const missing: string[] = [];
  let failure: unknown;
  for (const split of ['train', 'test'] as const) {
    if (sources.some((source) => source.split === 'all')) break;
    try {
      sources.push(await openSource(spec, split, labels));
    } catch (error) {
      if (!(error instanceof AbsentSplit)) throw error;
      failure ??= error;
      missing.push(`${split}: ${error.message}`);
    }
  }
  if (sources.length === 0) throw failure;
  return { sources, missing };
}

/** Images decoded ahead of the one that is written. */
const AHEAD = 4;

/** The middle of a photograph as `target` has it; null: as it is stored. */
async function readPixels(source: Source, index: number, target: ImageSettings | null): Promise<Pixels> {
  if (source.kind === 'pixels') return source.pixels(index);
  if (target === null) throw new Error('photographs are packed at a size');
  return (await decodeMiddle(await source.bytes(index), source.where(index), target)).pixels;
}

/** Channels of the first image that can be read: 3 where it is a picture, else its bands. */
async function channelsOf(source: Source): Promise<number> {
  for (let index = 0; index < source.length; index++) {
    try {
      return (await readWhole(source, index)).channels;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
  return 3;
}

async function* decoded(
  source: Source,
  target: ImageSettings | null,
  skip: boolean,
  broken: BrokenImage[],
): PackedSplit['images'] {
  const start = (index: number) => {
    const pixels = readPixels(source, index, target);
    // It may fail before its turn; whoever takes it still gets the error.
    pixels.catch(() => undefined);
    return pixels;
  };
  const pending: Promise<Pixels>[] = [];
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
 * Packs every split of a source. Sources of pixels are packed as they are; of photographs the middle is kept, resized to
 * `size` or to `height` and `width`, and training on the file crops at random from that.
 * @throws UserError for a size that is missing, a size or channels that make no sense, splits whose labels disagree, and for broken images unless they are to be skipped
 */
export async function packSource(options: PackOptions): Promise<PackReport> {
  const { spec, file, size, height, width, broken: policy } = options;
  const { sources, missing } = await openSplits(spec);
  const notes = sources.flatMap((source) => source.notes?.map((note) => `${source.split}: ${note}`) ?? []);
  try {
    const [first] = sources;
    const encoded = first.kind === 'encoded';
    if ((height === undefined) !== (width === undefined) || (height !== undefined && size !== undefined))
      throw new UserError('--height and --width: give both and no --size, or --size alone for squares');
    if (encoded && (size ?? height) === undefined) {
      throw new UserError(
        `${spec} has photographs of any size; give the side of the packed squares: --size 256`,
      );
    }
    const given = (['size', 'height', 'channels', 'bits'] as const).find((key) => options[key] !== undefined);
    if (!encoded && given !== undefined) {
      const stored = `${first.width} x ${first.height} pixels and ${first.channels} channels`;
      throw new UserError(
        `--${given} ${options[given]}: ${spec} has images of ${stored}, packed as they are`,
      );
    }
    const broken: BrokenImage[] = [];
    const target: ImageSettings | null = encoded
      ? {
          size: size ?? 0,
          height,
          width,
          channels: options.channels ?? (await channelsOf(first)),
          bits: options.bits,
        }
      : null;
    const stored =
      first.kind === 'pixels' ? { bits: 8 as const, ...first } : imageShape(target as ImageSettings);
    const classes = commonClasses(first, sources[sources.length - 1]);
    const resizable = encoded || first.resizable === true;
    const lengths = await writePacked(
      file,
      {
        source: publicSource(spec),
        width: stored.width,
        height: stored.height,
        channels: stored.channels,
        ...(stored.bits === 16 && { bits: stored.bits }),
        resizable,
        classes: classes && [...classes],
      },
      sources.map((source) => ({
        split: source.split,
        images: decoded(source, target, policy === 'skip', broken),
      })),
    );
    return { splits: sources.map(({ split }, i) => ({ split, length: lengths[i] })), notes, missing, broken };
  } finally {
    for (const source of sources) source.close();
  }
}
