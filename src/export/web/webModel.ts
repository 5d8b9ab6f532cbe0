/** `model.json` of `export --to web`: what a page has to know of the model beside it. */
import type { Recipe } from '../../bundle/recipe';
import type { ExportKind } from '../form';

export interface WebModel {
  /** of the run's folder */
  readonly name: string;
  readonly kind: ExportKind;
  /** class names; null: an encoder */
  readonly labels: readonly string[] | null;
  /** what the network sees, and how it is normalized */
  readonly image: Recipe['image'];
  /** steps it was trained for */
  readonly step: number;
  /** what on; null: not known */
  readonly data: string | null;
  /** licence of that, as given */
  readonly license: string | null;
  /** share of test images that it puts into their class; null: not measured */
  readonly accuracy: number | null;
}
