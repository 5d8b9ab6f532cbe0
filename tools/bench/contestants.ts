/** Who is measured: programs, their variants, and the environment they run in. */
import path from 'node:path';

export interface Contestant {
  readonly name: string;
  readonly program: 'step.js' | 'train.js' | 'torch_step.py' | 'tf_step.py' | 'jax_step.py' | 'ort_step.py';
  readonly variant: string;
  readonly precision: 'float32' | 'tf32' | 'bfloat16' | 'float16';
  readonly env: Readonly<Record<string, string>>;
}

/** Debian's libtcmalloc-minimal4 (gperftools), found by the loader. */
export const TCMALLOC = 'libtcmalloc_minimal.so.4';
const tcmalloc = { LD_PRELOAD: TCMALLOC };

export const contestant = (
  name: string,
  program: Contestant['program'],
  variant: string,
  env: Contestant['env'] = {},
  precision: Contestant['precision'] = 'float32',
): Contestant => ({ name, program, variant, env, precision });

export const CONTESTANTS: readonly Contestant[] = [
  contestant('ours', 'step.js', 'train'),
  contestant('ours-huge-pages', 'step.js', 'train', { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' }),
  contestant('ours-tcmalloc', 'step.js', 'train', tcmalloc),
  contestant('torch-eager', 'torch_step.py', 'eager'),
  contestant('torch-eager-tcmalloc', 'torch_step.py', 'eager', tcmalloc),
  contestant('torch-channels-last', 'torch_step.py', 'channels-last'),
  contestant('torch-channels-last-tcmalloc', 'torch_step.py', 'channels-last', tcmalloc),
  contestant('torch-compile', 'torch_step.py', 'compile'),
  contestant('torch-compile-tcmalloc', 'torch_step.py', 'compile', tcmalloc),
  contestant('torch-bfloat16', 'torch_step.py', 'bfloat16', {}, 'bfloat16'),
  contestant('tensorflow', 'tf_step.py', 'function'),
  contestant('jax', 'jax_step.py', 'jit'),
];

/** `selfie train` on the same bundle, for its overhead; it has data of its own. */
export const TRAINER = contestant('selfie-train', 'train.js', 'train');

export const isOurs = ({ program }: Contestant) => program.endsWith('.js');

/** The command of a contestant's program; `root` is the repository, Python programs are run from their source. */
export function commandOf(contestant: Contestant, root: string, python: string): string[] {
  const { program } = contestant;
  if (isOurs(contestant)) return [process.execPath, path.join(__dirname, program)];
  return [python, path.join(root, 'tools', 'bench', 'peers', program)];
}
