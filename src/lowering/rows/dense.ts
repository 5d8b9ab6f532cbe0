/**
 * Convolution on a map of at most 2 x 2 pixels as one product of whole images, and both gradients.
 *
 * With Q pixels in and R out, y [N, R O] = x [N, Q C] D', where D [R O, Q C] holds at (r, q) the kernel's tap that leads from
 * pixel q to pixel r, zeros where none does. On a 2 x 2 map a padded 3 x 3 kernel reaches every pixel from every other: as many
 * multiplications as Winograd's F(2x2), and no transform. (The rows of an image lie together in [P, C], so that [N, Q C] is
 * the same memory.)
 */
import type { Value } from '../../graph/graph';
import type { ConvAttributes } from '../../ops/conv';
import { gather } from '../../ops/gather';
import { gemm, matmul } from '../../ops/matmul';
import { reshape, transpose } from '../../ops/shape';
import {
  asRows,
  imageSize,
  isStaticImage,
  plainly,
  type Condition,
  type ImageSize,
  type Lowering,
  type Implementation,
} from '../context';
import { withZeroRow } from './rows';
import { windowOf, windowPixels, type Window } from '../windows';

const LARGEST = 4;

/** For each output pixel r and each input pixel q the tap from q to r; the number of taps where there is none. */
function tapTable(window: Window): number[] {
  const taps = window.kernel[0] * window.kernel[1];
  const pixels = window.size[0] * window.size[1];
  const reached = windowPixels(window);
  const results = window.count[0] * window.count[1];
  return Array.from({ length: results * pixels }, (_, i) => {
    const first = Math.floor(i / pixels) * taps;
    const tap = reached.slice(first, first + taps).indexOf(i % pixels);
    return tap === -1 ? taps : tap;
  });
}

/** D [R O, Q C] of w [O, C, kh, kw]. */
function denseKernel(context: Lowering, w: Value, window: Window): Value {
  const [o, c, kh, kw] = w.shape as number[];
  const index = tapTable(window);
  const name = `taps ${Object.values(window).join(' ')}`;
  const pixels = window.size[0] * window.size[1];
  const results = index.length / pixels;
  return context.once(`dense ${name}`, [w], () => {
    const byTap = transpose(reshape(context.plain(w), [o * c, kh * kw]), [1, 0]);
    const padded = index.includes(kh * kw) ? withZeroRow(context, byTap) : byTap;
    const blocks = gather(
      padded,
      context.index(name, () => Int32Array.from(index)),
    );
    const ordered = transpose(reshape(blocks, [results, pixels, o, c]), [0, 2, 1, 3]);
    return reshape(ordered, [results * o, pixels * c]);
  });
}

const fits: Condition = ([a], attrs) => {
  // in float16 the sums over taps lose digits
  if (a.dtype === 'float16' || !isStaticImage(a) || (attrs as unknown as ConvAttributes).group !== 1)
    return false;
  const { h, w } = imageSize(a);
  const [ih, iw] = (attrs.inputShape as readonly number[] | undefined) ?? [h, w];
  return h * w <= LARGEST && ih * iw <= LARGEST;
};

const kernelWindow = ({ h, w: width }: ImageSize, w: Value, attrs: ConvAttributes) =>
  windowOf([h, width], w.shape.slice(2) as number[], attrs);

const perImage = (rows: Value, n: number) => {
  const [p, c] = rows.shape as number[];
  return reshape(rows, [n, (p / n) * c]);
};

export const denseForward: Implementation = {
  name: 'dense',
  when: ([x, w], attrs, options) => {
    if (!fits([x], attrs, options)) return false;
    const [ho, wo] = kernelWindow(imageSize(x), w, attrs as ConvAttributes).count;
    return ho * wo <= LARGEST;
  },
  build: (context, [x, w], attrs: ConvAttributes, [y]) => {
    const size = imageSize(x);
    const window = kernelWindow(size, w, attrs);
    const product = gemm(perImage(context.imageRows(x), size.n), denseKernel(context, w, window), {
      transB: 1,
    });
    const out = imageSize(y);
    return [asRows(context.fromImageOrder(reshape(product, [out.pixels, out.c]), out))];
  },
};

export const denseInputGradient: Implementation = {
  name: 'dense',
  when: fits,
  build: (context, [dy, w], attrs: ConvAttributes, [dx]) => {
    const size = imageSize(dx);
    const window = kernelWindow(size, w, attrs);
    const product = matmul(perImage(context.imageRows(dy), size.n), denseKernel(context, w, window));
    return [asRows(context.fromImageOrder(reshape(product, [size.pixels, size.c]), size))];
  },
};

/** dD = dy' x, and each tap sums the blocks that it fills. */
export const denseWeightGradient: Implementation = {
  name: 'dense',
  when: ([x, dy], attrs, options) => fits([x], attrs, options) && fits([dy], attrs, options),
  build: (context, [x, dy], attrs: ConvAttributes & { kernelShape: readonly number[] }) => {
    const size = imageSize(x);
    const { n, c: o, h, w } = imageSize(dy);
    const [kh, kw] = attrs.kernelShape;
    const window = windowOf([size.h, size.w], attrs.kernelShape, attrs);
    const index = tapTable(window);
    const name = `taps ${Object.values(window).join(' ')}`;
    const pixels = size.h * size.w;
    const product = gemm(perImage(context.imageRows(dy), n), perImage(context.imageRows(x), n), {
      transA: 1,
    });
    const blocks = transpose(reshape(product, [h * w, o, pixels, size.c]), [0, 2, 1, 3]);
    const sum = context.once(`sum ${name} ${x.dtype}`, [], () =>
      context.target.constant(
        x.dtype,
        [kh * kw, index.length],
        Array.from({ length: kh * kw * index.length }, (_, i) =>
          index[i % index.length] === Math.floor(i / index.length) ? 1 : 0,
        ),
      ),
    );
    const byTap = matmul(sum, reshape(blocks, [index.length, o * size.c]));
    return [plainly(reshape(transpose(byTap, [1, 0]), [o, size.c, kh, kw]))];
  },
};

/** 3 x 3 at stride 1; a pointwise kernel would be mostly zeros. */
export const prefersDense: Condition = ([, w], attrs, options) => {
  if (options.provider !== 'cpu') return false;
  const { strides } = attrs as unknown as ConvAttributes;
  const kernel = (attrs.kernelShape as readonly number[] | undefined) ?? w.shape.slice(2);
  return [...kernel, ...strides].join() === '3,3,1,1';
};
