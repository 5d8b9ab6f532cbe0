/**
 * Which nodes of a training step ran outside the provider asked for, and whether they are shape bookkeeping. As a child
 * process: runs one step of the bundle in a folder and answers with its kernels.
 */
import { z } from 'zod';
import { placeNodes } from '../../../src/profiling/placement';

export const placedSchema = z.array(
  z.strictObject({
    name: z.string(),
    op: z.string(),
    provider: z.string(),
    outputs: z.array(z.array(z.number())),
  }),
);
export type Placed = z.infer<typeof placedSchema>[number];

export const placementJobSchema = z.strictObject({
  directory: z.string(),
  provider: z.enum(['cpu', 'cuda']),
  threads: z.number().int().positive(),
});
export type PlacementJob = z.infer<typeof placementJobSchema>;

const PROVIDERS = { cpu: 'CPUExecutionProvider', cuda: 'CUDAExecutionProvider' } as const;

/** What computes sizes and indices; CUDA sessions keep it on the CPU, where its values are needed. */
const SHAPE_OPERATORS: ReadonlySet<string> = new Set(
  ['Shape', 'Size', 'Range', 'ConstantOfShape', 'Gather', 'Slice', 'Concat', 'Unsqueeze', 'Squeeze'].concat([
    'Reshape',
    'Cast',
    'Identity',
    'Loop',
    'Add',
    'Sub',
    'Mul',
    'Div',
    'Mod',
    'Equal',
    'Where',
  ]),
);
/** elements of the largest tensor that counts as a size or an index */
const SMALL = 16;

export const isBookkeeping = ({ op, outputs }: Placed): boolean =>
  op === 'Loop' ||
  (SHAPE_OPERATORS.has(op) && outputs.every((shape) => shape.reduce((n, size) => n * size, 1) <= SMALL));

export interface PlacementFinding {
  readonly total: number;
  /** ran elsewhere, of the two kinds */
  readonly bookkeeping: readonly Placed[];
  readonly wrong: readonly Placed[];
  /** nodes that the runtime put in to copy between the CPU and the device */
  readonly copies: number;
}

export function judgePlacement(nodes: readonly Placed[], provider: 'cpu' | 'cuda'): PlacementFinding {
  const elsewhere = nodes.filter((node) => node.provider !== PROVIDERS[provider]);
  return {
    total: nodes.length,
    bookkeeping: elsewhere.filter(isBookkeeping),
    wrong: elsewhere.filter((node) => !isBookkeeping(node)),
    copies: nodes.filter(({ op }) => op.startsWith('Memcpy')).length,
  };
}

async function place({ directory, provider, threads }: PlacementJob): Promise<Placed[]> {
  const nodes = await placeNodes(directory, { provider, threads });
  return nodes.map(({ name, op, provider, outputs }) => ({
    ...{ name, op, provider },
    outputs: outputs.map((shape) => [...shape]),
  }));
}

if (require.main === module) {
  place(placementJobSchema.parse(JSON.parse(process.argv[2]))).then(
    (nodes) => console.log(JSON.stringify(nodes)),
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    },
  );
}
