/** How many pixels are decoded at once, by all requests together: what is decoded whole takes three bytes for each. */

interface Waiting {
  readonly pixels: number;
  readonly start: () => void;
}

export class PixelBudget {
  private used = 0;
  private readonly queue: Waiting[] = [];

  /** @param most pixels at once; an image has no more */
  constructor(private readonly most: number) {}

  /** `body` once its image's pixels fit to those of the others, in the order of asking. */
  async run<T>(pixels: number, body: () => Promise<T>): Promise<T> {
    const counted = Math.min(pixels, this.most);
    await new Promise<void>((start) => {
      this.queue.push({ pixels: counted, start });
      this.next();
    });
    try {
      return await body();
    } finally {
      this.used -= counted;
      this.next();
    }
  }

  private next(): void {
    for (let [first] = this.queue; first && this.used + first.pixels <= this.most; [first] = this.queue) {
      this.queue.shift();
      this.used += first.pixels;
      first.start();
    }
  }
}
