/** What a process that measures inference is told (one JSON argument) and what it answers (the last line on stdout). */
import { z } from 'zod';

export const inferenceJobSchema = z.strictObject({
  /** folder with recipe.json, state.safetensors and images.safetensors */
  directory: z.string(),
  /** an ONNX file in the folder, or the way in which PyTorch runs the network */
  variant: z.string(),
  /** images a call, the first ones of the file */
  batch: z.number().int().positive(),
  threads: z.number().int().positive(),
  /** measures calls for this long, after two that do not count; 0: one call */
  seconds: z.number().nonnegative(),
  /** file in the folder for the embedding of the last call */
  embedding: z.string(),
});
export type InferenceJob = z.infer<typeof inferenceJobSchema>;

export const inferenceAnswerSchema = z.strictObject({
  /** of each call: feeding, computing, reading the embedding */
  seconds: z.array(z.number().positive()).min(1),
  /** the process's VmHWM, MB of 2^20 bytes */
  peakMb: z.number().positive(),
  /** of the library that computes, `name number` */
  version: z.string(),
});
export type InferenceAnswer = z.infer<typeof inferenceAnswerSchema>;
