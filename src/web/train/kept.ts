/** What is kept of earlier visits, checked when it is read: what is damaged is named and left out, and the page goes on. */
import { z } from 'zod';
import type { Measurement } from '../../draw/curves';
import { type Checkpoint } from '../../run/checkpointFormat';
import { type Content, contentSchema, identitySchema, type RunIdentity } from '../../run/runIdentity';
import { messageOf } from '../common/words';
import { decodeCheckpoint } from './checkpoint';
import type { Photos } from './source';
import { type Problem, Storage } from './storage';

/** What is kept of a run. */
export interface KeptRun {
  readonly identity: RunIdentity;
  /** of its images; null: of a visit that kept none */
  readonly content: Content | null;
  readonly step: number;
  /** of `selfie train` */
  readonly checkpoint: Uint8Array<ArrayBuffer>;
  readonly lines: readonly Measurement[];
}

/** A run as it was found, its checkpoint read. */
export interface FoundRun {
  readonly run: KeptRun;
  readonly checkpoint: Checkpoint;
}

const whole = z.number().int().nonnegative();
const bytes = z.custom<Uint8Array<ArrayBuffer>>((value) => value instanceof Uint8Array);
const lineSchema = z.record(z.string(), z.number()).and(z.object({ step: z.number() }));
const runSchema: z.ZodType<KeptRun> = z.object({
  identity: identitySchema,
  content: contentSchema.nullable().default(null),
  step: whole,
  checkpoint: bytes,
  lines: z.array(lineSchema),
});

const side = z.number().int().positive();
const imageSchema = z
  .object({ width: side, height: side, channels: z.literal(3), pixels: bytes })
  .refine(({ width, height, channels, pixels }) => pixels.length === width * height * channels);
const photosSchema: z.ZodType<Photos> = z
  .object({
    names: z.array(z.string()),
    images: z.array(imageSchema).min(1),
    labels: z.array(whole).nullable(),
    classes: z.array(z.string()).nullable(),
    leftOut: z.array(z.object({ name: z.string(), reason: z.string() })).default([]),
  })
  .refine(({ names, images, labels }) =>
    [names, labels ?? names].every((all) => all.length === images.length),
  )
  .refine(({ labels, classes }) => (labels ?? []).every((label) => label < (classes ?? []).length));

const filesSchema = z.map(z.string(), z.instanceof(Blob));

const WORDS: Readonly<Record<string, string>> = { photos: 'the images', bundle: 'the bundle' };
const wordsOf = (names: readonly string[]) =>
  [...new Set(names.map((name) => WORDS[name] ?? 'the checkpoint'))].join(', ');

/** The person's line for what the browser does not keep. */
export function problemLine({ reason, names }: Problem): string {
  const what = names.length > 0 ? `does not keep ${wordsOf(names)}` : 'keeps nothing for this page';
  return (
    `This browser ${what}: ${reason}. Training works all the same; ` +
    'what is not kept is lost when the page is closed, so save the checkpoint before.'
  );
}

export class Kept {
  private readonly storage: Storage;
  /** each is said once */
  private readonly damaged = new Set<string>();

  /**
   * @param tell hears what is not kept, as a line; null when all of it is again
   * @param note hears what is damaged
   */
  constructor(
    tell: (problem: string | null) => void,
    private readonly note: (text: string) => void,
    storage?: Storage,
  ) {
    this.storage = storage ?? new Storage((problem) => tell(problem && problemLine(problem)));
  }

  photos = async () => (await this.read('photos', photosSchema))?.value;
  bundle = async () => (await this.read('bundle', filesSchema))?.value;

  /** The run of this task, whatever its recipe. */
  async run(task: string): Promise<FoundRun | undefined> {
    const name = `run:${task}`;
    const run = (await this.read(name, runSchema))?.value;
    if (!run) return undefined;
    try {
      return { run, checkpoint: await decodeCheckpoint('the checkpoint kept here', run.checkpoint) };
    } catch (error) {
      this.sayDamaged(name, messageOf(error));
      return undefined;
    }
  }

  setPhotos = (photos: Photos) => this.storage.set('photos', photos);
  setBundle = (files: ReadonlyMap<string, Blob>) => this.storage.set('bundle', files);
  setRun = (task: string, run: KeptRun) => this.storage.set(`run:${task}`, run);
  clear = () => this.storage.clear();

  private async read<T>(name: string, schema: z.ZodType<T>): Promise<{ value: T } | undefined> {
    const found = await this.storage.get(name);
    if (found === undefined) return undefined;
    const parsed = schema.safeParse(found);
    if (parsed.success) return { value: parsed.data };
    this.sayDamaged(name, 'it has not the form that this page writes');
    return undefined;
  }

  private sayDamaged(name: string, reason: string): void {
    if (this.damaged.has(name)) return;
    this.damaged.add(name);
    this.note(`Damaged in this browser's storage, and left out: ${wordsOf([name])} (${reason}).`);
  }
}
