/** A run as the sections of a report take it: its folder, and what its network answered. */
import type { Predictions } from '../evaluation/predictions';
import { neighbourAgreement, type Rows } from '../tensors/rows';
import { unitsOf } from './pictures';
import { chanceOf, type RunView } from './runView';

export interface ShownRun extends RunView {
  readonly chance: number;
  readonly predictions: Predictions | null;
  readonly units: Rows | null;
  /** null: no labels or no embeddings */
  readonly agreement: { readonly accuracy: number; readonly chance: number } | null;
}

/** Takes pictures as they are made: name -> SVG in the theme's colours. */
export type Pictures = Map<string, string>;

export function shown(view: RunView, predictions: Predictions | null): ShownRun {
  const units = predictions && unitsOf(predictions);
  const labels = predictions?.labels;
  const agreement = units && labels && labels.length > 1 ? neighbourAgreement(units, labels) : null;
  return { ...view, chance: chanceOf(view.bundle.manifest), predictions, units, agreement };
}
