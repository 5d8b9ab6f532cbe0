/** Images are decoded within a number of pixels, all requests together, in their order. */
import sharp from 'sharp';
import { PixelBudget } from '../../../src/serving/http/pixelBudget';
import { encodeNpy } from '../../support/npy';
import { encodeTiff } from '../../support/tiff';
import { requireImage } from '../../../src/serving/http/imageInput';

test('as many at once as fit, in the order of asking, and a failure gives its pixels back', async () => {
  const budget = new PixelBudget(10);
  const running: string[] = [];
  const started: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const ask = (name: string, pixels: number) =>
    budget
      .run(pixels, async () => {
        running.push(name);
        started.push(name);
        await new Promise<void>((resolve, reject) =>
          ends.set(name, (error) => (error ? reject(error) : resolve())),
        );
      })
      .catch(() => {})
      .finally(() => running.splice(running.indexOf(name), 1));
  const turn = () => new Promise(setImmediate);
  // c would fit, but b came before it.
  const all = [ask('a', 6), ask('b', 5), ask('c', 4), ask('huge', 99), ask('d', 1)];
  await turn();
  expect(running).toEqual(['a']);
  ends.get('a')?.(new Error('broken'));
  await turn();
  expect(running).toEqual(['b', 'c']);
  ends.get('b')?.();
  await turn();
  expect(running).toEqual(['c']);
  ends.get('c')?.();
  await turn();
  expect(running).toEqual(['huge']);
  ends.get('huge')?.();
  await turn();
  expect(running).toEqual(['d']);
  ends.get('d')?.();
  await Promise.all(all);
  expect(started).toEqual(['a', 'b', 'c', 'huge', 'd']);
});

/** The head of a PNG of that size. */
async function pngHead(width: number, height: number): Promise<Buffer> {
  const bytes = await sharp({ create: { width: 8, height: 8, channels: 4, background: 'red' } })
    .png()
    .toBuffer();
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  // What the chunk's check would be: its CRC-32.
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  return bytes;
}

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

const RGB = { size: 8, channels: 3 };

test('the numbers of what is too large are told from the head, before it is decoded', async () => {
  await expect(requireImage(await pngHead(8000, 12501), RGB)).rejects.toMatchObject({
    http: 413,
    message: 'the image has 8000 x 12501 pixels; at most 100 million are taken',
  });
  await expect(requireImage(await pngHead(1, 50_000_000), RGB)).rejects.toMatchObject({
    http: 413,
    message: 'the image has 1 x 50000000 pixels; one side may be at most 1000 times the other',
  });
  expect(await requireImage(await pngHead(8000, 12500), RGB)).toBe(1e8);
});

test('bands and 16 bits count for the memory that they take; other formats are for networks that see them alone', async () => {
  const bands = { size: 32, channels: 12, bits: 16 as const };
  await expect(requireImage(await pngHead(4000, 4000), bands)).rejects.toMatchObject({
    message: 'the image has 4000 x 4000 pixels; at most 12.5 million are taken',
  });
  const tiff = encodeTiff(new Uint16Array(12 * 4), { width: 2, height: 2, channels: 12 });
  const npy = encodeNpy(new Uint16Array(12 * 4), [2, 2, 12]);
  for (const bytes of [tiff, npy]) {
    expect(await requireImage(bytes, bands)).toBe(32);
    await expect(requireImage(bytes, RGB)).rejects.toMatchObject({
      message: 'the body is no JPEG, PNG or WebP image',
    });
  }
});
