/** Uncompressed TIFF files of any number of bands, as GDAL, tifffile and microscopes write them. */

export interface TiffForm {
  readonly width: number;
  readonly height: number;
  /** bands of a pixel */
  readonly channels: number;
  /** 0: white is zero, 1: black is zero, 2: RGB; default 1 */
  readonly photometric?: 0 | 1 | 2;
  /** what each band beyond the photometric's own is: 0 unspecified (the default), 1 associated and 2 unassociated alpha */
  readonly extra?: 0 | 1 | 2;
  /** bands as planes, behind one another */
  readonly planar?: boolean;
  /** most significant byte first */
  readonly bigEndian?: boolean;
  /** 1: whole numbers, 3: floating point; default 1 */
  readonly sampleFormat?: 1 | 3;
  /** a second directory with the same image and this NewSubfileType: 0 another page, 1 a smaller copy, 4 a mask */
  readonly subfile?: number;
}

/** Pixels [height, width, channels]; uint8, uint16, or float32 bits by their array. */
export function encodeTiff(pixels: Uint8Array | Uint16Array | Float32Array, form: TiffForm): Buffer {
  const { width, height, channels, photometric = 1, extra = 0, planar = false } = form;
  const { bigEndian = false, sampleFormat = 1, subfile } = form;
  const each = pixels.BYTES_PER_ELEMENT;
  const own = photometric === 2 ? 3 : 1;
  const data = Buffer.alloc(pixels.length * each);
  const area = width * height;
  for (let i = 0; i < pixels.length; i++) {
    const at = each * (planar ? (i % channels) * area + Math.floor(i / channels) : i);
    if (each === 1) data[at] = pixels[i];
    else if (each === 2) data[bigEndian ? 'writeUInt16BE' : 'writeUInt16LE'](pixels[i], at);
    else data[bigEndian ? 'writeFloatBE' : 'writeFloatLE'](pixels[i], at);
  }
  const SHORT = 3;
  const LONG = 4;
  const planes = planar ? channels : 1;
  const bytes = data.length / planes;
  const same = (count: number, value: number) => Array.from({ length: count }, () => value);
  const entries: [tag: number, type: number, values: number[]][] = [
    [256, LONG, [width]],
    [257, LONG, [height]],
    [258, SHORT, same(channels, 8 * each)],
    [259, SHORT, [1]],
    [262, SHORT, [photometric]],
    [273, LONG, Array.from({ length: planes }, (_, i) => 8 + i * bytes)],
    [277, SHORT, [channels]],
    [278, LONG, [height]],
    [279, LONG, same(planes, bytes)],
    [284, SHORT, [planar ? 2 : 1]],
    ...(channels > own ? ([[338, SHORT, same(channels - own, extra)]] as [number, number, number[]][]) : []),
    [339, SHORT, same(channels, sampleFormat)],
  ];
  const directory = Buffer.alloc(2 + 12 * entries.length + 4);
  const beyond: Buffer[] = [];
  const put = (buffer: Buffer, type: number, value: number, at: number) => {
    if (type === SHORT) buffer[bigEndian ? 'writeUInt16BE' : 'writeUInt16LE'](value, at);
    else buffer[bigEndian ? 'writeUInt32BE' : 'writeUInt32LE'](value, at);
  };
  const start = 8 + data.length + (data.length % 2);
  let next = start + directory.length;
  put(directory, SHORT, entries.length, 0);
  entries.forEach(([tag, type, values], i) => {
    const at = 2 + 12 * i;
    const size = type === SHORT ? 2 : 4;
    put(directory, SHORT, tag, at);
    put(directory, SHORT, type, at + 2);
    put(directory, LONG, values.length, at + 4);
    if (values.length * size <= 4)
      values.forEach((value, j) => put(directory, type, value, at + 8 + j * size));
    else {
      const list = Buffer.alloc(values.length * size);
      values.forEach((value, j) => put(list, type, value, j * size));
      put(directory, LONG, next, at + 8);
      beyond.push(list);
      next += list.length;
    }
  });
  const head = Buffer.alloc(8);
  head.write(bigEndian ? 'MM' : 'II', 'latin1');
  put(head, SHORT, 42, 2);
  put(head, LONG, start, 4);
  const first = Buffer.concat([head, data, Buffer.alloc(data.length % 2), directory, ...beyond]);
  if (subfile === undefined) return first;
  const second = Buffer.from(directory);
  const [tag, type] = [Buffer.alloc(12), LONG];
  put(tag, SHORT, 254, 0);
  put(tag, SHORT, type, 2);
  put(tag, LONG, 1, 4);
  put(tag, LONG, subfile, 8);
  put(second, SHORT, entries.length + 1, 0);
  put(first, LONG, first.length, start + directory.length - 4);
  return Buffer.concat([first, second.subarray(0, 2), tag, second.subarray(2)]);
}
