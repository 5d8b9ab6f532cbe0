/** What a TIFF file says of the layout of its bands, which libvips does not tell: its directory's tags alone, no pixels. */

export interface TiffLayout {
  /** bands of a pixel */
  readonly bands: number;
  /** what the first of them mean: 0 and 1 gray, 2 RGB, 3 a palette, others see TIFF 6.0 */
  readonly photometric: number;
  /** whether the band behind the colours is alpha; one whose meaning is not said is a band like any other */
  readonly hasAlpha: boolean;
  /** whether each band is stored as a plane of its own */
  readonly planar: boolean;
  /** images beside one another: neither smaller copies nor masks of the first */
  readonly pages: number;
  /** of the first image's photometric tag's value, in bytes from the beginning; and whether the least byte comes first */
  readonly photometricAt: number;
  readonly little: boolean;
}

const TAG = { subfile: 254, photometric: 262, bands: 277, planar: 284, extra: 338 };
/** Of TIFF 6.0 and BigTIFF: bytes of an element. */
const SIZES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 16: 8 };
/** A chain of directories that is longer is damaged, or a circle. */
const MOST_DIRECTORIES = 4096;

interface Tag {
  readonly value: number;
  readonly at: number;
}

/** The layout; null for what is no TIFF file or damaged, of which the decoder tells more. */
export function tiffLayout(bytes: Uint8Array): TiffLayout | null {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const order = view.toString('latin1', 0, 2);
  if (view.length < 16 || (order !== 'II' && order !== 'MM')) return null;
  const little = order === 'II';
  const read = (at: number, size: number): number => {
    if (size === 8) return Number(little ? view.readBigUInt64LE(at) : view.readBigUInt64BE(at));
    return little ? view.readUIntLE(at, size) : view.readUIntBE(at, size);
  };
  const magic = read(2, 2);
  if (magic !== 42 && magic !== 43) return null;
  const wide = magic === 43;
  const pointer = wide ? 8 : 4;
  try {
    let first: ReadonlyMap<number, Tag> | null = null;
    let pages = 0;
    let next = read(wide ? 8 : 4, pointer);
    for (let i = 0; next !== 0 && i < MOST_DIRECTORIES; i++) {
      const { tags, end } = readTags(read, next, wide);
      first ??= tags;
      // bit 0: a smaller copy of another image; bit 2: a mask of one
      if (((tags.get(TAG.subfile)?.value ?? 0) & 0b101) === 0) pages++;
      next = read(end, pointer);
    }
    const photometric = first?.get(TAG.photometric);
    if (!first || !photometric) return null;
    return {
      bands: first.get(TAG.bands)?.value ?? 1,
      photometric: photometric.value,
      hasAlpha: (first.get(TAG.extra)?.value ?? 0) > 0,
      planar: first.get(TAG.planar)?.value === 2,
      pages,
      photometricAt: photometric.at,
      little,
    };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** The first value of each tag of a directory, and where that ends. RangeError where it goes past the end of the file. */
function readTags(read: (at: number, size: number) => number, start: number, wide: boolean) {
  const [lead, each, pointer] = wide ? [8, 20, 8] : [2, 12, 4];
  const count = read(start, lead);
  const tags = new Map<number, Tag>();
  for (let i = 0; i < count; i++) {
    const entry = start + lead + i * each;
    const size = SIZES[read(entry + 2, 2)];
    if (size === undefined) continue;
    const values = read(entry + 4, pointer);
    const inside = entry + 4 + pointer;
    const at = values * size <= pointer ? inside : read(inside, pointer);
    if (values > 0) tags.set(read(entry, 2), { value: read(at, size), at });
  }
  return { tags, end: start + lead + count * each };
}

/** The same file with its gray bands called RGB: libvips then reads them as they are, planes too. */
export function asRgbBands(bytes: Uint8Array, { photometricAt, little }: TiffLayout): Uint8Array {
  const copy = Buffer.from(bytes);
  if (little) copy.writeUInt16LE(2, photometricAt);
  else copy.writeUInt16BE(2, photometricAt);
  return copy;
}
