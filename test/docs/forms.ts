/** For every command that a document names: the short form in which commands.slow.ts runs it, or where else it is run. */

/** A command line for the stand-ins of commands.slow.ts, `selfie` and `tool` being programs of this repository. */
export type Form = { readonly run: string } | { readonly elsewhere: string };

const SMALL = '--set network.width=4 --set batch=8';
const SMALL_STEP = '--set network.width=2 --set network.stages=[1,1,1,1] --set image.size=8';
const SHORT_BENCH = `--case mini-finetune --batch 4 --rounds 1 --steps 3 --threads 1 ${SMALL_STEP}`;
const IN_CI = '.ci/run';

/** In order; the first that matches holds. `PATH` of data is a folder in CIFAR-10's layout, and shares of labels are a half. */
const FORMS: readonly (readonly [command: RegExp, form: (command: string) => Form])[] = [
  // the gate and what it consists of
  [
    /^npm ci( && npm test)?$|^npm test( -- \w+)?$|^npm run (build|file-sizes|package-check)$/,
    () => ({ elsewhere: IN_CI }),
  ],
  [/^\.ci\/run$/, () => ({ elsewhere: IN_CI })],
  [/^npm run test:slow$/, () => ({ elsewhere: 'this suite is of it' })],
  [
    /^npm (install( selfie-onnx)?|pack)$|^npx selfie quickstart$/,
    () => ({ elsewhere: 'tools/package-check' }),
  ],
  [/^npm ci && npm run quickstart$/, () => ({ elsewhere: 'test/commands/quickstart.slow.ts' })],
  [
    /^ONNXRUNTIME_NODE_INSTALL=true npm rebuild/,
    () => ({ elsewhere: 'nowhere: it downloads CUDA from NuGet' }),
  ],

  // programs of tools/
  [/^npm run mutate/, () => ({ run: 'tool mutate/main --count 0 --named grows --work mutants' })],
  [/^npm run torture/, () => ({ elsewhere: IN_CI })],
  [/^npm run test:consumers/, () => ({ run: 'tool consumers/main --only onnxruntime-node' })],
  [
    /^npm run verify:portable|^python tools\/examples\/train\.py/,
    () => ({ elsewhere: 'test/tools/portable.slow.ts' }),
  ],
  [
    /^python3 -m http\.server$|^node dist\/tools\/web\/picture\.js$/,
    () => ({ elsewhere: 'test/web/train/page.slow.ts has the page in a browser' }),
  ],
  [
    /^node dist\/tools\/data\/embedded-picture\.js$/,
    () => ({ run: 'tool data/embedded-picture embedded.png' }),
  ],
  [/^node dist\/tools\/bench\/gpu\/pack\.js|^bash run\.sh/, () => ({ elsewhere: 'test/tools/gpu.slow.ts' })],
  [/^npm run bench:serving/, () => ({ run: 'tool bench/serving --clients 4 --seconds 1' })],
  [
    /^npm run bench:inference/,
    () => ({ run: 'tool bench/inference --case paper --batch 1 --rounds 1 --seconds 1 --only ours' }),
  ],
  [
    /^npm run bench:data/,
    () => ({
      run: 'tool bench/data --case jpeg --folder jpegs --rounds 1 --seconds 0.1 --batch 2 --python missing',
    }),
  ],
  [/^npm run bench -- --help$/, () => ({ run: 'tool bench/main --help' })],
  [
    /^npm run bench\b/,
    (c) => {
      const asked = c.replace(/^npm run bench( --)?/, '');
      const kept = asked.replace(/ --(case|batch|rounds|steps|only) \S+/g, '');
      const alone = /--(ablate|curves|overhead)/.test(kept) ? '' : ' --only ours';
      return { run: `tool bench/main ${SHORT_BENCH}${alone}${kept}` };
    },
  ],

  // the command line
  [/^(npx )?selfie --help$/, () => ({ run: 'selfie --help' })],
  [
    /^npx selfie data download/,
    () => ({ elsewhere: 'test/data/tools/download.test.ts, from a server of its own' }),
  ],
  [/^npx selfie build-graph .*consistency/, (c) => ({ run: `${c} ${SMALL} --set consistency.ratio=1` })],
  [/^npx selfie build-graph/, (c) => ({ run: `${c} ${SMALL}` })],
  [/^npx selfie train .*--resume/, (c) => ({ run: c })],
  [
    /^npx selfie train/,
    (c) => ({
      run: `${c.replace(/ --(steps|probe-every) \d+/g, '')}${c.includes('probe-every') ? ' --probe-every 1' : ''} --steps 2`,
    }),
  ],
  [/^npx selfie experiment/, (c) => ({ run: `${c} --smoke` })],
  [/^npx selfie serve/, (c) => ({ run: c.replace(/--grpc-port \d+/, '--grpc-port 0') })],
  [/^npx selfie |^(curl|mkdir) /, (c) => ({ run: c })],
  // a name in a sentence
  [
    /^selfie (data )?[a-z-]+( --?[a-z-]+( [A-Za-z-]+)?)*$/,
    () => ({ elsewhere: 'test/docs/documents.test.ts: the command and its options are there' }),
  ],
];

/** UserError-free: null for a command that has no form, which is what documents.test.ts refuses. */
export function formOf(command: string): Form | null {
  const found = FORMS.find(([pattern]) => pattern.test(command))?.[1](command);
  if (!found || 'elsewhere' in found) return found ?? null;
  const run = found.run
    .replace(/^npx selfie/, 'selfie')
    .replaceAll('cifar10:PATH', 'cifar10:cifar')
    .replace('imagenet:/data/imagenet', 'imagenet:imagenet')
    .replace(/--labels \S+/, '--labels 50%')
    .replace('*.jpg', 'cat.jpg');
  return { run };
}
