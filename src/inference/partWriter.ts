/** Rows as they come become parts: of so many numbers or seconds, so that little is lost where the process is killed. */
import { append } from '../base/lists';
import type { BrokenImage } from '../data/batches/options';
import { joinFloats } from '../tensors/dtype';
import type { OutputRows } from '../evaluation/outputRows';
import type { PartialRows } from './partial';

/** Numbers of a part: 16 MiB. */
const NUMBERS = 2 ** 22;
const SECONDS = 20;

export class PartWriter {
  private rows: Float32Array[] = [];
  private indices: number[] = [];
  private broken: BrokenImage[] = [];
  private width = 0;
  private to: number;
  private last = performance.now();

  /** @param from the first batch that comes */
  constructor(
    private readonly partial: PartialRows,
    private readonly split: string,
    private from: number,
  ) {
    this.to = from;
  }

  add({ batch, width, values }: OutputRows): void {
    const { step, valid, indices, broken } = batch;
    this.rows.push(values);
    append(this.indices, indices.subarray(0, valid));
    append(this.broken, broken);
    this.width = width;
    this.to = step + 1;
    const seconds = (performance.now() - this.last) / 1000;
    if (this.indices.length * width >= NUMBERS || seconds >= SECONDS) this.flush();
  }

  /** Writes what came since the last part. */
  flush(): void {
    if (this.to > this.from) {
      const { split, from, to, width, broken } = this;
      const indices = Int32Array.from(this.indices);
      this.partial.write({ split, from, to, indices, width, values: joinFloats(this.rows), broken });
    }
    this.from = this.to;
    [this.rows, this.indices, this.broken] = [[], [], []];
    this.last = performance.now();
  }
}
