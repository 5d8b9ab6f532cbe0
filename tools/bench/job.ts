/** What a measuring process is told (one JSON argument) and what it answers (the last line on stdout). */
import path from 'node:path';
import { z } from 'zod';
import type { Recipe } from '../../src/bundle/recipe';

export const jobSchema = z.strictObject({
  /** folder with `graph/` (the bundle) and the batch */
  directory: z.string(),
  /** which way of running the same training step; the program knows its own */
  variant: z.string(),
  /** training steps to do */
  steps: z.number().int().positive(),
  /** ours: steps in one call of the session */
  stepsPerRun: z.number().int().positive(),
  threads: z.number().int().positive(),
  learningRate: z.number().positive(),
  /** where to compute; default: the provider of the bundle's recipe for ours, the CPU for the peers */
  device: z.enum(['cpu', 'cuda']).optional(),
  /** ours: state to start from in place of the bundle's own */
  startState: z.string().optional(),
  /** ours: file to write the state to after the last step */
  saveState: z.string().optional(),
});
export type Job = z.infer<typeof jobSchema>;

const seconds = z.number().nonnegative();

const measuredSchema = z.strictObject({
  /** of each step: feeding, computing, reading the loss */
  seconds: z.array(seconds).min(1),
  losses: z.array(z.number()),
  /** seconds that the process had lived at the end of each step */
  ages: z.array(seconds),
  /** creating the session, or making the model and loading its state; where that can be told from the first step */
  setupSeconds: seconds.optional(),
  /** the process's VmHWM after the steps, MB of 2^20 bytes */
  peakMb: z.number().positive(),
  /** the same with the libraries loaded and nothing else */
  librariesMb: z.number().positive(),
  /** memory of the GPU that was taken since the process started, as nvidia-smi tells, MB of 2^20 bytes */
  deviceMb: z.number().optional(),
  /** of the library that computes, `name number` */
  version: z.string(),
});
export type Measured = z.infer<typeof measuredSchema>;

/**
 * `skipped`: why this process cannot do this job here (a package is missing, the case is not written for it); `failed`: how
 * it ended, said by whoever started it.
 */
export const answerSchema = z.union([
  measuredSchema,
  z.strictObject({ skipped: z.string() }),
  z.strictObject({ failed: z.string() }),
]);
export type Answer = z.infer<typeof answerSchema>;

/** The batch that every contestant trains on, every step anew. */
export const batchPath = (directory: string) => path.join(directory, 'batch.safetensors');

/** Low, so that two float32 runs of a deep net stay together for some steps; it does not matter for speed. */
const LEARNING_RATES = { sgd: 1e-5, lars: 1e-5, adamw: 1e-5 } as const;

export const learningRateOf = ({ optimizer }: Recipe): number => LEARNING_RATES[optimizer.name];
