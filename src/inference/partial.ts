/** `FILE.partial/`: what an unfinished `embed` has computed, so that the same command goes on with it. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { BROKEN } from '../base/broken';
import { PROVIDERS } from '../base/providers';
import { removeWhole } from '../base/temporary';
import type { BrokenImage } from '../data/batches/options';
import { UserError } from '../base/errors';
import { readSafetensors, writeSafetensors } from '../tensors/safetensors';
import { parseJson } from '../run/records';
import { writeJson } from '../run/runFolder';

/**
 * What the rows depend on: the rest may change when it is resumed. Rows are the same bits only in the same batches, and on the
 * same threads.
 */
const identitySchema = z.strictObject({
  formatVersion: z.literal(1),
  /** where they lay: what counts is `images` */
  source: z.string(),
  split: z.enum(['train', 'test', 'all']),
  /** SHA-256 of names, sizes and labels */
  images: z.string(),
  model: z.string(),
  step: z.number().nullable(),
  /** of the model */
  sha256: z.string(),
  output: z.enum(['embedding', 'logits', 'probabilities']),
  batch: z.number().int().positive(),
  threads: z.number().int().positive(),
  provider: z.enum(PROVIDERS),
  broken: z.enum(BROKEN),
});
export type Identity = z.infer<typeof identitySchema>;

const brokenSchema = z.array(z.object({ index: z.number(), where: z.string(), reason: z.string() }));

/** Rows of the batches `from` to `to` (without it) of a split, images that were skipped left out. */
export interface Part {
  readonly split: string;
  readonly from: number;
  readonly to: number;
  /** in the source, one a row */
  readonly indices: Int32Array;
  readonly width: number;
  /** [indices.length, width] */
  readonly values: Float32Array;
  readonly broken: readonly BrokenImage[];
}

const digits = (step: number) => String(step).padStart(9, '0');
const partName = ({ split, from, to }: Pick<Part, 'split' | 'from' | 'to'>) =>
  `${split}-${digits(from)}-${digits(to)}.safetensors`;

export class PartialRows {
  /** @param folder the name of the file to be made, and `.partial` */
  constructor(readonly folder: string) {}

  private get stateFile(): string {
    return path.join(this.folder, 'state.json');
  }

  /** What was begun here; null: nothing. UserError for a damaged file. */
  read(): Identity | null {
    if (!existsSync(this.stateFile)) return null;
    try {
      return identitySchema.parse(JSON.parse(readFileSync(this.stateFile, 'utf8')));
    } catch (error) {
      throw new UserError(`${this.stateFile}: damaged; add --overwrite to begin anew`, { cause: error });
    }
  }

  /** Begins it, in place of whatever was there. */
  begin(identity: Identity): void {
    this.remove();
    mkdirSync(this.folder, { recursive: true });
    this.store(identity);
  }

  store(identity: Identity): void {
    writeJson(this.stateFile, identity);
  }

  remove(): void {
    removeWhole(this.folder);
  }

  write(part: Part): void {
    const { indices, width, values, broken } = part;
    writeSafetensors(
      path.join(this.folder, partName(part)),
      [
        ['indices', { dtype: 'int32', shape: [indices.length], data: indices }],
        ['values', { dtype: 'float32', shape: [indices.length, width], data: values }],
      ],
      { broken: JSON.stringify(broken) },
    );
  }

  /** The parts of a split that follow on one another from its first batch on. */
  private spans(split: string): Pick<Part, 'split' | 'from' | 'to'>[] {
    const found = readdirSync(this.folder).flatMap((name) => {
      const [, from, to] = new RegExp(`^${split}-(\\d+)-(\\d+)\\.safetensors$`).exec(name) ?? [];
      return to === undefined ? [] : [{ split, from: Number(from), to: Number(to) }];
    });
    const spans: typeof found = [];
    let next = 0;
    for (const span of found.sort((a, b) => a.from - b.from)) {
      if (span.from !== next) continue;
      spans.push(span);
      next = span.to;
    }
    return spans;
  }

  /** Batches of the split that are done. */
  done(split: string): number {
    return this.spans(split).at(-1)?.to ?? 0;
  }

  /** The parts of a split in order, one at a time. */
  *parts(split: string): Generator<Part> {
    for (const span of this.spans(split)) {
      const file = path.join(this.folder, partName(span));
      const { tensors, metadata } = readSafetensors(file);
      const [indices, values] = [tensors.get('indices'), tensors.get('values')];
      const broken = brokenSchema.safeParse(parseJson(metadata.broken ?? ''));
      if (!indices || !values || !broken.success)
        throw new UserError(`${file}: damaged; delete it and run the command again`);
      yield {
        ...span,
        indices: indices.data as Int32Array,
        width: values.shape[1],
        values: values.data as Float32Array,
        broken: broken.data,
      };
    }
  }
}

/** What must be as it was, and how messages call it. */
const KEPT = {
  split: '--split',
  output: '--output',
  batch: '--batch',
  threads: '--threads',
  provider: '--provider',
  broken: '--broken',
} as const;

/** Throws a UserError that says what is not as it was begun. Images that end it may be skipped from now on. */
export function requireSame(folder: string, before: Identity, now: Identity): void {
  const otherwise = 'or add --overwrite to begin anew';
  const step = (identity: Identity) =>
    `${identity.model}${identity.step === null ? '' : `, step ${identity.step}`}`;
  if (before.sha256 !== now.sha256) {
    throw new UserError(
      `${folder}: was begun with another model (${step(before)}; now it is ${step(now)}); give that one again ` +
        `(--model, --checkpoint), ${otherwise}`,
    );
  }
  for (const key of Object.keys(KEPT) as (keyof typeof KEPT)[]) {
    if (before[key] === now[key] || (key === 'broken' && now.broken === 'skip')) continue;
    throw new UserError(
      `${folder}: was begun with ${KEPT[key]} ${before[key]}, not ${now[key]}; give that again, ${otherwise}`,
    );
  }
  if (before.images !== now.images)
    throw new UserError(
      `${folder}: ${now.source} has other images or labels than when it was begun with ${before.source}; give those, ${otherwise}`,
    );
}
