/** `selfie serve DIR` */
import { availableParallelism } from 'node:os';
import { PROVIDERS } from '../base/providers';
import { UserError } from '../base/errors';
import type { RunningServer } from '../serving/server';
import { abortOnSignals, endBy } from './signals';
import { defineCommand, positional, print, warn, whole } from './command';

const DEFAULTS = {
  host: '127.0.0.1',
  port: 8080,
  batch: 32,
  delay: 2,
  queue: 256,
  body: 64,
  timeout: 120,
  images: 1000,
  reload: 5,
  grace: 30,
};
const MIB = 2 ** 20;
/** Milliseconds to close what is at rest, after the grace. */
const CLOSING = 500;
const LAST_PORT = 65535;
const MOST_IMAGES = 10_000;

export const serveCommand = defineCommand({
  name: 'serve',
  describe: 'answer inference requests over HTTP and gRPC (Open Inference Protocol), with a page for images',
  examples: [
    ['serve models/fine', 'the newest checkpoint; POST /classify takes an image file'],
    ['serve models/mini --neighbours cifar10:PATH', 'and what is near to an image among 1000'],
    ['serve repository --port 8000 --grpc-port 8001', 'all models of NAME/VERSION/model.onnx'],
  ],
  positionals: { dir: positional('folder of a run, or a model repository (NAME/VERSION/model.onnx)') },
  options: {
    host: {
      type: 'string',
      requiresArg: true,
      default: DEFAULTS.host,
      describe: 'address to listen on; 0.0.0.0: from everywhere, without any access control',
    },
    'allowed-hosts': {
      type: 'string',
      array: true,
      requiresArg: true,
      describe:
        'names by which it may be asked, beside localhost; *: any (default: no others where --host is this machine, otherwise any)',
    },
    port: whole('--port', 0, `HTTP; 0: any (default: ${DEFAULTS.port})`),
    'grpc-port': whole('--grpc-port', 0, 'gRPC; 0: any (default: no gRPC)'),
    'max-batch': whole('--max-batch', 1, `rows that are computed at once (default: ${DEFAULTS.batch})`),
    'max-delay': whole(
      '--max-delay',
      0,
      `milliseconds that a request may wait for others to share a batch (default: ${DEFAULTS.delay})`,
    ),
    'max-queue': whole(
      '--max-queue',
      1,
      `requests that may wait for a model; more are refused, 429 (default: ${DEFAULTS.queue})`,
    ),
    'max-body': whole(
      '--max-body',
      1,
      `MiB of a request; more are refused, 413; eight times as much for all together, 429 (default: ${DEFAULTS.body})`,
    ),
    neighbours: {
      type: 'string',
      requiresArg: true,
      describe:
        'data source: POST /neighbours and the page show its images nearest to one, by their embeddings',
    },
    'neighbours-images': whole(
      '--neighbours-images',
      1,
      `so many of its training images, spread evenly (default: ${DEFAULTS.images})`,
    ),
    'request-timeout': whole(
      '--request-timeout',
      1,
      `seconds in which an HTTP request must have arrived (default: ${DEFAULTS.timeout})`,
    ),
    'reload-every': whole(
      '--reload-every',
      0,
      `seconds between looks for new versions; 0: on SIGHUP alone (default: ${DEFAULTS.reload})`,
    ),
    grace: whole(
      '--grace',
      0,
      `seconds for accepted requests to finish after SIGTERM or Ctrl-C; what still computes then is cut off, exit code 143 (default: ${DEFAULTS.grace})`,
    ),
    provider: {
      choices: PROVIDERS,
      requiresArg: true,
      default: 'cpu',
      describe: 'where to compute',
    },
    threads: whole('--threads', 1, 'threads that compute, for each model (default: all)'),
  },
  run: async ({
    dir,
    host,
    port = DEFAULTS.port,
    grpcPort,
    provider,
    threads,
    grace,
    neighbours,
    ...args
  }) => {
    const images = args.neighboursImages ?? DEFAULTS.images;
    if (args.neighboursImages !== undefined && neighbours === undefined)
      throw new UserError('--neighbours-images is of the images of --neighbours SOURCE, which is missing');
    if (images > MOST_IMAGES)
      throw new UserError(
        `--neighbours-images ${images}: expected at most ${MOST_IMAGES}, which are kept in memory`,
      );
    for (const [name, value] of [
      ['--port', port],
      ['--grpc-port', grpcPort ?? 0],
    ] as const)
      if (value > LAST_PORT) throw new UserError(`${name} ${value}: expected at most ${LAST_PORT}`);
    // Before the server starts: a signal while models load stops it as soon as they are.
    const signals = abortOnSignals(
      () => warn('stopping; the same signal again ends it at once'),
      ['SIGINT', 'SIGTERM'],
    );
    const patience = grace ?? DEFAULTS.grace;
    let overdue: NodeJS.Timeout | undefined;
    const stopped = new Promise<void>((resolve) => {
      signals.signal.addEventListener('abort', () => {
        overdue = setTimeout(
          () => {
            warn(`what is still being computed after --grace ${patience} s is cut off`);
            signals.dispose();
            endBy('SIGTERM');
          },
          1000 * patience + CLOSING,
        );
        resolve();
      });
    });
    let server: RunningServer | undefined;
    // Until it runs and once it stops there is nothing to look for, but the signal must not end it.
    const reload = () => {
      server
        ?.reload()
        .catch((error: unknown) => warn(error instanceof Error ? error.message : String(error)));
    };
    // The end of the terminal that it runs in; who runs without one is told to look.
    const hangUp = () => {
      if (process.stdin.isTTY) process.kill(process.pid, 'SIGTERM');
      else reload();
    };
    process.on('SIGHUP', hangUp);
    // What the server is made of takes longer to load than many a command to run.
    const { startServer } = await import('../serving/server.js');
    try {
      const running = await startServer(
        {
          directory: dir,
          host,
          allowedHosts: args.allowedHosts?.flatMap((names) => names.split(',')),
          port,
          grpcPort,
          maxBatch: args.maxBatch ?? DEFAULTS.batch,
          delay: args.maxDelay ?? DEFAULTS.delay,
          maxQueue: args.maxQueue ?? DEFAULTS.queue,
          maxBody: (args.maxBody ?? DEFAULTS.body) * MIB,
          requestTimeout: (args.requestTimeout ?? DEFAULTS.timeout) * 1000,
          reloadEvery: args.reloadEvery ?? DEFAULTS.reload,
          neighbours: neighbours === undefined ? undefined : { source: neighbours, images },
          threads: threads ?? availableParallelism(),
          provider,
        },
        { say: print, warn },
      );
      server = running;
      print(
        `serving on ${running.url}${running.grpcPort === null ? '' : `, gRPC on port ${running.grpcPort}`}`,
      );
      await stopped;
      server = undefined;
      const { answered, refused } = await running.stop(patience);
      print(`stopped after ${answered} answers and ${refused} errors`);
    } finally {
      clearTimeout(overdue);
      process.removeListener('SIGHUP', hangUp);
      signals.dispose();
    }
  },
});
