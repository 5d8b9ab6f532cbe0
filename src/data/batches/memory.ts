/** Shared memory that batches lie in: filled by a worker thread, read by every other, and used again when given back. */
import { imageLength, imageShape } from '../../bundle/imageShape';
import type { Batch, BatchOptions } from './options';

/** Where the arrays of one batch go; the shapes are those of `Batch`. */
export type Slot = Pick<Batch, 'images' | 'labels' | 'patch_order' | 'unlabelled_weak' | 'unlabelled_strong'>;

/** Batches that lie behind one another. */
interface Block {
  readonly slots: readonly Slot[];
  /** slots that were given out and are not back */
  held: number;
}

/**
 * Slots for consecutive steps. The steps kK .. kK + K - 1 (K = `perBlock`) share a block, so that their arrays are one array
 * without being copied together. Blocks come back through `release`; where none is back, another is made.
 */
export class BatchMemory {
  private readonly free: Block[] = [];
  private readonly owners = new WeakMap<Slot['images'], Block>();
  private current: Block | undefined;

  constructor(
    private readonly options: Pick<BatchOptions, 'batch' | 'image' | 'labels' | 'patchOrder' | 'unlabelled'>,
    private readonly perBlock: number,
  ) {}

  /** The slot of `step`; steps are asked for one after the other. */
  slot(step: number): Slot {
    const place = step % this.perBlock;
    if (this.current === undefined || place === 0) this.current = this.free.pop() ?? this.allocate();
    const block = this.current;
    const slot = block.slots[place];
    block.held++;
    this.owners.set(slot.images, block);
    if (place === this.perBlock - 1) this.current = undefined;
    return slot;
  }

  /** Takes the slot of a batch back; once for each time it was given out. */
  release({ images }: Pick<Batch, 'images'>): void {
    const block = this.owners.get(images);
    this.owners.delete(images);
    if (block !== undefined && --block.held === 0 && block !== this.current) this.free.push(block);
  }

  private allocate(): Block {
    const { perBlock } = this;
    const { batch, image, labels, patchOrder, unlabelled } = this.options;
    const { bits } = imageShape(image);
    const pixels = batch * imageLength(image);
    const order = patchOrder ? batch * patchOrder.grid.rows * patchOrder.grid.columns : 0;
    const each = bits / 8;
    const part = (buffer: SharedArrayBuffer, i: number, length: number) =>
      bits === 16
        ? new Uint16Array(buffer, each * i * length, length)
        : new Uint8Array(buffer, i * length, length);
    const extra = pixels * (unlabelled?.ratio ?? 0);
    const [weak, strong] = [0, 1].map(() => new SharedArrayBuffer(each * perBlock * extra));
    const allImages = new SharedArrayBuffer(each * perBlock * pixels);
    const allLabels = new SharedArrayBuffer(8 * perBlock * batch);
    const allOrders = new SharedArrayBuffer(8 * perBlock * order);
    const slots = Array.from({ length: perBlock }, (_, i) => ({
      images: part(allImages, i, pixels),
      labels: labels && new BigInt64Array(allLabels, 8 * i * batch, batch),
      patch_order: patchOrder && new BigInt64Array(allOrders, 8 * i * order, order),
      unlabelled_weak: unlabelled && part(weak, i, extra),
      unlabelled_strong: unlabelled && part(strong, i, extra),
    }));
    return { slots, held: 0 };
  }
}
