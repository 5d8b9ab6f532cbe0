/** The forms that an exported model comes in. */
/** What it computes: `encoder` images -> embedding, `classifier` images -> logits, probabilities and the embedding. */
export const EXPORT_KINDS = ['encoder', 'classifier'] as const;
export type ExportKind = (typeof EXPORT_KINDS)[number];

/**
 * What it takes, by the name `image`. `float`: float32 [batch, C, height, width], normalized by mean and deviation; `uint8`:
 * pixels [batch, height, width, C], uint8 from 0 to 255 or, where image.bits is 16, uint16 from 0 to 65535; `photo`: pixels of
 * any size, of which it takes the middle as evaluation does.
 */
export const EXPORT_INPUTS = ['float', 'uint8', 'photo'] as const;
export type ExportInput = (typeof EXPORT_INPUTS)[number];

export const PRECISIONS = ['float32', 'float16', 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];

export interface ExportForm {
  readonly kind: ExportKind;
  readonly input: ExportInput;
  /** the last map, [batch, D, h, w], as the output `map` too */
  readonly map: boolean;
  readonly opset: number;
  readonly precision: Precision;
}

export const DEFAULT_FORM = { input: 'float', map: false, opset: 18, precision: 'float32' } as const;

/** By which of its outputs an exported model is compared with the trainer's evaluation graph. */
export const OUTPUT_OF: Readonly<Record<ExportKind, string>> = { encoder: 'embedding', classifier: 'logits' };
