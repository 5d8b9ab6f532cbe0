/** What page and worker say to each other. */
import type { Measurement } from '../../draw/curves';
import type { PathFile } from '../common/drop';
import type { LeftOut } from '../common/words';

/** From which weights a run starts: the bundle's own, those of the pretraining kept here, or a file's that was dropped. */
export type Start = 'fresh' | 'pretrained' | 'file';

export interface StartOptions {
  readonly data: 'embedded' | 'photos';
  /** of the whole schedule */
  readonly steps: number;
  readonly seed: number;
  readonly start: Start;
}

export type ToWorker =
  /** answered by `ready`, or by `needs` where no bundle is known */
  | { readonly kind: 'open'; readonly bundle: string | null }
  /** dropped or chosen files: a bundle, images, or weights, by path */
  | { readonly kind: 'files'; readonly files: readonly PathFile[]; readonly leftOut: readonly LeftOut[] }
  | { readonly kind: 'train'; readonly options: StartOptions }
  /** go on with the run that is kept */
  | { readonly kind: 'continue' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'save' }
  | { readonly kind: 'forget' };

/** What there is to train, and what is kept of it. */
export interface Situation {
  readonly recipe: string;
  readonly task: 'pretrain' | 'finetune';
  readonly parameters: number;
  readonly batch: number;
  /** of the recipe */
  readonly steps: number;
  readonly seed: number;
  readonly photos: {
    readonly count: number;
    readonly classes: readonly string[] | null;
    /** lines on what was dropped with them and is not used */
    readonly leftOut: readonly string[];
  } | null;
  /** the run of this bundle that is kept */
  readonly kept: { readonly step: number; readonly steps: number; readonly data: string } | null;
  /** steps of the pretraining that is kept, for a classifier */
  readonly pretrained: number | null;
  /** the file of weights that was dropped */
  readonly weights: string | null;
}

export type FromWorker =
  /** first: whether the runtime started with so many threads; with one it is started anew where it did not */
  | { readonly kind: 'runtime'; readonly threads: number; readonly problem: string | null }
  /** what the browser does not keep, as a line; null: all is kept */
  | { readonly kind: 'storage'; readonly problem: string | null }
  | { readonly kind: 'needs' }
  | { readonly kind: 'ready'; readonly situation: Situation }
  | { readonly kind: 'curves'; readonly lines: readonly Measurement[]; readonly steps: number }
  | { readonly kind: 'step'; readonly line: Measurement; readonly steps: number }
  | { readonly kind: 'pictures'; readonly svgs: readonly string[] }
  | { readonly kind: 'started' }
  | { readonly kind: 'stopped'; readonly situation: Situation }
  | { readonly kind: 'saved'; readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'error'; readonly text: string };
