/** The images of a source that are most like one that comes in, by the cosine of their embeddings. */
import { createLoader, type Loader } from '../../data/batches/loader';
import { spread } from '../../data/batches/sampler';
import { openSource } from '../../data/sources/readers';
import { imageDims, imageLength, imageShape, type ImageSettings } from '../../bundle/imageShape';
import { type Pixels, pixelType } from '../../tensors/pixels';
import { shownPixels } from '../../tensors/shownPixels';
import { UserError } from '../../base/errors';
import { asInput } from '../../export/samples';
import { imageForm, type ImageForm } from '../../inference/imageForm';
import { joinFloats } from '../../tensors/dtype';
import { nearestTo, unitRows, type Rows } from '../../tensors/rows';
import { pixelsUri, shrinkPixels } from '../../draw/png';
import { imageTensor } from './imageInput';
import { RequestError } from '../protocol/requestError';
import type { ServedModel } from '../models/servedModel';

export interface NeighbourSettings {
  /** a form of `SOURCE_FORMS` */
  readonly source: string;
  /** so many of its training images, spread evenly */
  readonly images: number;
}

/** What a model made of the images. */
interface Index {
  readonly model: ServedModel;
  readonly form: ImageForm;
  /** lets go of the model */
  readonly release: () => void;
  /** of unit length */
  readonly units: Rows;
  readonly images: readonly Thumbnail[];
}

interface Thumbnail {
  /** in the source */
  readonly index: number;
  /** null: it has no label */
  readonly class: string | null;
  /** a data: address */
  readonly image: string;
}

export const EMBEDDING = 'embedding';
const SPLIT = 'train';
const MOST_ROWS = 32;
/** Side of a thumbnail at most. */
const THUMBNAIL = 96;
/** Milliseconds until the queue of a busy model is tried again. */
const PATIENCE = 100;

export class NeighbourImages {
  private index: Index | null = null;
  /** the model that the images are or were last embedded with */
  private target: ServedModel | undefined;
  private building = Promise.resolve();
  private done = 0;
  private problem: string | null = null;
  private stopped = false;

  private constructor(
    private readonly settings: NeighbourSettings,
    private readonly indices: Int32Array,
    private readonly classes: readonly string[] | null,
    /** the model that embeds images now */
    private readonly choose: () => ServedModel | undefined,
    private readonly warn: (line: string) => void,
  ) {}

  /** UserError where there are no such images. `update` embeds them. */
  static async open(
    settings: NeighbourSettings,
    choose: () => ServedModel | undefined,
    warn: (line: string) => void,
  ): Promise<NeighbourImages> {
    if (!choose()) throw new UserError('--neighbours: no model here takes an image and gives embedding');
    const source = await openSource(settings.source, SPLIT, 'optional');
    const { length, classes } = source;
    source.close();
    if (length === 0) throw new UserError(`--neighbours ${settings.source}: there are no images`);
    return new NeighbourImages(settings, spread(length, settings.images), classes, choose, warn);
  }

  /** Embeds the images, in the background, where another model embeds now; until it is done the old one answers. */
  update(): void {
    const model = this.choose();
    if (!model || model === this.target) return;
    this.target = model;
    this.building = this.building.then(() => this.build(model));
  }

  /** The `count` images nearest to the one in `bytes`. RequestError while there are none yet, and for what is no image. */
  async search(bytes: Buffer, count: number) {
    const { index } = this;
    const { source } = this.settings;
    if (!index)
      throw this.problem === null
        ? new RequestError(
            'unavailable',
            `still embedding ${source}: ${this.done} of ${this.indices.length} images`,
          )
        : new RequestError('failed', `the images of ${source} have no embedding: ${this.problem}`);
    const { model, form, units, images } = index;
    // Held, since another index may take this one's place, and with it the model, meanwhile.
    return model.hold(async () => {
      const input = await imageTensor(bytes, form);
      const embedding = await model.infer(new Map([[form.name, input]]), [EMBEDDING]);
      const vector = embedding.get(EMBEDDING)?.data as Float32Array;
      const query = unitRows({ count: 1, width: vector.length, values: vector });
      const found = nearestTo(units, query.values, count);
      return {
        model: model.name,
        version: model.version,
        source,
        images: images.length,
        neighbours: found.map(({ index: i, similarity }) => ({ ...images[i], similarity })),
      };
    });
  }

  /** The model that answers, or will. */
  get modelName(): string {
    return (this.index?.model ?? this.target)?.name ?? '';
  }

  /** Lets go of the models. */
  async close(): Promise<void> {
    this.stopped = true;
    await this.building;
    this.index?.release();
    this.index = null;
  }

  private async build(model: ServedModel): Promise<void> {
    if (this.stopped || this.target !== model) return;
    let release = () => {};
    void model.hold(() => new Promise<void>((resolve) => (release = resolve)));
    try {
      const embedded = await this.embed(model);
      if (embedded === null) {
        release();
        return;
      }
      this.index?.release();
      this.index = { ...embedded, model, release };
      this.problem = null;
    } catch (error) {
      release();
      this.problem = error instanceof Error ? error.message : String(error);
      this.warn(`--neighbours ${this.settings.source}: ${this.problem}`);
    }
  }

  /** Null: the server stops. */
  private async embed(model: ServedModel): Promise<Omit<Index, 'model' | 'release'> | null> {
    const form = imageForm(model.info);
    if (!form) throw new Error(`model ${model.name} takes no image`);
    const loader = await this.load(form, Math.min(MOST_ROWS, Math.max(1, model.maxBatch)));
    const rows: Float32Array[] = [];
    const images: Thumbnail[] = [];
    this.done = 0;
    let broken = 0;
    try {
      for await (const batch of loader) {
        if (this.stopped) return null;
        const each = imageLength(form.image);
        const pixels = batch.images.slice(0, batch.valid * each);
        if (batch.valid > 0) rows.push(await embedRows(model, form, pixels, batch.valid));
        for (let i = 0; i < batch.valid; i++) {
          const label = batch.labels ? Number(batch.labels[i]) : -1;
          images.push({
            index: batch.indices[i],
            class: this.classes?.[label] ?? null,
            image: await thumbnail(pixels.subarray(i * each, (i + 1) * each), form.image),
          });
        }
        broken += batch.broken.length;
        this.done += batch.valid;
        loader.release([batch]);
      }
    } finally {
      await loader.close();
    }
    if (broken > 0) this.warn(`--neighbours ${this.settings.source}: ${broken} images cannot be decoded`);
    if (images.length === 0) throw new UserError('none of its images can be decoded');
    const values = joinFloats(rows);
    const { length } = images;
    return { form, units: unitRows({ count: length, width: values.length / length, values }), images };
  }

  private load({ image }: ImageForm, batch: number): Promise<Loader> {
    return createLoader({
      spec: this.settings.source,
      split: SPLIT,
      indices: this.indices,
      batch,
      seed: 0,
      mode: 'evaluate',
      image,
      augment: null,
      broken: 'skip',
      labels: this.classes ? { classes: this.classes.length } : undefined,
      workers: 1,
    });
  }
}

/** The embeddings of images [count, height, width, channels]; a busy model is asked again. */
async function embedRows(
  model: ServedModel,
  { name, form, image }: ImageForm,
  pixels: Pixels,
  count: number,
): Promise<Float32Array> {
  const dtype = pixelType(imageShape(image).bits);
  const input = asInput({ dtype, shape: [count, ...imageDims(image)], data: pixels }, form, image);
  for (;;) {
    try {
      const outputs = await model.infer(new Map([[name, input]]), [EMBEDDING]);
      return outputs.get(EMBEDDING)?.data as Float32Array;
    } catch (error) {
      if (!(error instanceof RequestError && error.reason === 'queueFull')) throw error;
      await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    }
  }
}

async function thumbnail(pixels: Pixels, image: ImageSettings): Promise<string> {
  const { width, height, channels: own } = imageShape(image);
  const { channels, pixels: shown } = shownPixels(pixels, own);
  const longer = Math.max(width, height);
  if (longer <= THUMBNAIL) return pixelsUri(shown, width, height, channels, 1);
  const part = (side: number) => Math.max(1, Math.round((THUMBNAIL * side) / longer));
  const small = await shrinkPixels(shown, { width, height, channels }, part(width), part(height));
  return pixelsUri(small, part(width), part(height), 3, 1);
}
