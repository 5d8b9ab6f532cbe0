/** What `embed` and `predict` run: a trained run or an exported model, on images as evaluation has them. */
import { UserError } from '../base/errors';
import type { ImageSettings } from '../bundle/imageShape';
import type { HostTensor } from '../tensors/dtype';
import type { Provider } from '../base/providers';

/** [B, D], [B, classes] and [B, classes]. */
export const OUTPUTS = ['embedding', 'logits', 'probabilities'] as const;
export type Output = (typeof OUTPUTS)[number];

export interface ImageModel {
  /** as it was given */
  readonly name: string;
  /** of the images that it takes */
  readonly image: ImageSettings;
  /** the ones that it has */
  readonly outputs: readonly Output[];
  /** class names, as far as it says them; null: it says none */
  readonly classes: readonly string[] | null;
  /** null where a model of other tools does not say */
  readonly step: number | null;
  readonly recipeName: string | null;
  /** JSON */
  readonly recipe: string | null;
  /** SHA-256 of the files that it is read from */
  readonly sha256: string;
  readonly settings: ModelSettings;
  /** An output, float32 [B, ...], for images of pixels [B, height, width, C]. */
  run(images: HostTensor, output: Output): Promise<HostTensor>;
  close(): Promise<void>;
}

export interface ModelSettings {
  readonly provider: Provider;
  readonly threads: number;
}

export interface ModelChoice {
  /** folder of a run, or an exported .onnx file */
  readonly model: string;
  /** of a run: step or file; default: the newest */
  readonly checkpoint?: string;
  /** default: the one that the run's bundle was lowered for; cpu for a file */
  readonly provider?: Provider;
  /** threads that compute; default: all */
  readonly threads?: number;
}

/** Throws a UserError where the model does not give it. */
export function requireOutput({ name, outputs }: ImageModel, output: Output): void {
  if (!outputs.includes(output))
    throw new UserError(`--output ${output}: ${name} does not give it (it has: ${outputs.join(', ')})`);
}
