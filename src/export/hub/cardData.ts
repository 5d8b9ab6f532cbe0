/** What a model card is written from. */
import type { Manifest } from '../../bundle/manifest';
import type { OnnxValueInfo } from '../../onnx/model';
import type { ExportForm } from '../form';
import type { Measurement } from '../measure';
import type { Provenance } from '../provenance';

export interface CardData {
  readonly manifest: Manifest;
  readonly form: Omit<ExportForm, 'input'>;
  readonly step: number;
  readonly provenance: Provenance;
  /** as given: of the training data, and by that of the model */
  readonly license: string | null;
  /** by class; null for an encoder */
  readonly labels: readonly string[] | null;
  /** whether torchvision has such a network */
  readonly torchvision: boolean;
  /** of the exported models */
  readonly outputs: readonly OnnxValueInfo[];
  /** null: no images were given */
  readonly measured: Measurement | null;
}

export const MODEL = 'model.onnx';
export const PHOTO = 'model-photo.onnx';
export const WEIGHTS = 'model.safetensors';
export const LABELS = 'labels.txt';
