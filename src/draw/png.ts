/** Pixels and pictures as PNG. The only importer of sharp in `report`. */
import sharp from 'sharp';

/** uint8 [height, width, channels] enlarged to at least `least` pixels a side by whole steps, as a data: address. */
export async function pixelsUri(
  pixels: Uint8Array,
  width: number,
  height: number,
  channels: number,
  least: number,
): Promise<string> {
  const factor = Math.max(1, Math.ceil(least / Math.max(width, height)));
  const png = await sharp(pixels, { raw: { width, height, channels: channels === 1 ? 1 : 3 } })
    .resize(width * factor, height * factor, { kernel: 'nearest' })
    .png({ compressionLevel: 9 })
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}

/** An SVG of plain colours as PNG with two pixels a unit. */
export async function svgToPng(svg: string): Promise<Buffer> {
  // SVG's own unit is 1/96 inch; sharp's density is in pixels an inch at 72.
  return sharp(Buffer.from(svg), { density: 144, unlimited: true }).png({ compressionLevel: 9 }).toBuffer();
}

/** Pixels resized to fit `width` x `height`, RGB. */
export async function shrinkPixels(
  pixels: Uint8Array,
  from: { readonly width: number; readonly height: number; readonly channels: number },
  width: number,
  height: number,
): Promise<Uint8Array> {
  const { data } = await sharp(pixels, {
    raw: { width: from.width, height: from.height, channels: from.channels === 1 ? 1 : 3 },
  })
    .resize(width, height, { fit: 'fill', kernel: from.width < width ? 'nearest' : 'lanczos3' })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return data;
}
