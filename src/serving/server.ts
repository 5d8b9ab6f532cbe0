/** `serve`: models of a folder behind HTTP and gRPC, reloaded as new versions appear, until it is stopped. */
import { findBundle, readBundle } from '../bundle/read';
import { UserError } from '../base/errors';
import { discard, makeTemporary } from '../base/temporary';
import { LARGEST_AT_ONCE } from './http/bodies';
import { startGrpc, type GrpcServer } from './grpc/grpc';
import { startHttp, type HttpServer } from './http/http';
import { Hosts } from './hosts';
import { Metrics } from './metrics';
import { Models } from './models/models';
import { embeddingModel } from './http/imageRoutes';
import { NeighbourImages, type NeighbourSettings } from './http/neighbours';
import { PatchPictures } from './http/patchPictures';
import { requireProvider } from '../runtime/providers';
import type { Provider } from '../base/providers';
import { RunRepository } from './models/runRepository';
import { Service } from './service';

export interface ServeOptions {
  /** a run's folder or a model repository */
  readonly directory: string;
  readonly host: string;
  /** names by which it may be asked beside this machine's, `*` for any; undefined: none where only this machine can ask, otherwise any */
  readonly allowedHosts?: readonly string[];
  /** 0: any */
  readonly port: number;
  /** 0: any; undefined: no gRPC */
  readonly grpcPort?: number;
  /** rows in one call of a model */
  readonly maxBatch: number;
  /** milliseconds that a request may wait for others */
  readonly delay: number;
  /** requests that may wait for a model */
  readonly maxQueue: number;
  /** bytes */
  readonly maxBody: number;
  /** milliseconds in which an HTTP request must have arrived */
  readonly requestTimeout: number;
  /** milliseconds without a byte, after which a body is given up; 20 s unless told */
  readonly bodyIdle?: number;
  readonly threads: number;
  readonly provider: Provider;
  /** seconds between looks for new versions; 0: only when asked */
  readonly reloadEvery: number;
  /** undefined: none are shown */
  readonly neighbours?: NeighbourSettings;
}

export interface Log {
  readonly say: (line: string) => void;
  readonly warn: (line: string) => void;
}

export interface RunningServer {
  readonly url: string;
  /** null: no gRPC */
  readonly grpcPort: number | null;
  /** Looks for new versions now. */
  readonly reload: () => Promise<void>;
  /**
   * Accepts nothing more, finishes what was accepted, closes all connections after `seconds` and ends all threads. A model that
   * is computing is waited for, since no thread can be ended in the middle of that.
   */
  readonly stop: (seconds: number) => Promise<{ readonly answered: number; readonly refused: number }>;
}

/** Starts it once all models are loaded. UserError where there is nothing to serve or no place to listen. */
export async function startServer(options: ServeOptions, log: Log): Promise<RunningServer> {
  requireProvider(options.provider);
  const hosts = new Hosts(options.host, options.allowedHosts);
  const temporary = makeTemporary('serve');
  const opened: {
    models?: Models;
    service?: Service;
    neighbours?: NeighbourImages;
    http?: HttpServer;
    grpc?: GrpcServer;
  } = {};
  const close = async (milliseconds: number) => {
    await Promise.all([opened.http?.stop(milliseconds), opened.grpc?.stop(milliseconds)]);
    await opened.neighbours?.close();
    await opened.models?.close();
    await opened.service?.codec.close();
    discard(temporary);
  };
  try {
    const { directory, threads } = options;
    const run =
      findBundle(directory) === undefined ? null : new RunRepository(directory, temporary, log.warn);
    await run?.update();
    // Models are the metrics' labels and the metrics hear of the models' batches: they meet after both are made.
    const metrics = new Metrics(() => opened.models?.waiting ?? []);
    const models = new Models(
      run?.folder ?? directory,
      {
        ...options,
        maxQueueBytes: LARGEST_AT_ONCE * options.maxBody,
        session: { provider: options.provider, threads },
        observe: (model, batch) => metrics.observeBatch(model, batch),
      },
      log.say,
      log.warn,
    );
    opened.models = models;
    await models.refresh({ patient: false });
    requireModels(models, directory);
    const service = new Service(models, metrics, log.warn);
    opened.service = service;
    const patches =
      run && readBundle(directory).manifest.recipe.task === 'pretrain'
        ? new PatchPictures(directory, temporary, threads)
        : null;
    if (options.neighbours)
      opened.neighbours = await NeighbourImages.open(
        options.neighbours,
        () => embeddingModel(service),
        log.warn,
      );
    opened.neighbours?.update();
    const neighbours = opened.neighbours ?? null;
    opened.http = await startHttp(service, { ...options, hosts, patches, neighbours }, log.warn);
    const { grpcPort } = options;
    if (grpcPort !== undefined)
      opened.grpc = await startGrpc(service, { ...options, hosts, port: grpcPort }, log.warn);
    // One look after another, whoever asks.
    let looking = Promise.resolve();
    const reload = (patient: boolean): Promise<void> => {
      const done = looking.then(async () => {
        await run?.update();
        // A run's exports appear whole.
        await models.refresh({ patient: patient && run === null });
        opened.neighbours?.update();
      });
      looking = done.catch(() => {});
      return done;
    };
    const watching = repeat(options.reloadEvery, () => reload(true), log.warn);
    return {
      url: opened.http.url,
      grpcPort: opened.grpc?.port ?? null,
      reload: () => reload(false),
      stop: async (seconds) => {
        service.stop();
        watching.stop();
        await looking;
        await close(1000 * seconds);
        return { answered: service.answered, refused: service.refused };
      },
    };
  } catch (error) {
    await close(0);
    throw error;
  }
}

function requireModels(models: Models, directory: string): void {
  if (models.newest.length > 0) return;
  const { names } = models;
  throw new UserError(
    names.length > 0
      ? `${directory}: no model loads (${names.join(', ')}); see the warnings above`
      : `${directory}: nothing to serve; expected a run's folder (graph/, checkpoints/) or NAME/VERSION/model.onnx`,
  );
}

/** Calls `body` every so many seconds, one call after another; what it throws is a warning. */
function repeat(seconds: number, body: () => Promise<void>, warn: (line: string) => void) {
  let stopped = seconds === 0;
  let timer: NodeJS.Timeout | undefined;
  const next = () => {
    if (stopped) return;
    timer = setTimeout(() => {
      void body()
        .catch((error: unknown) => warn(error instanceof Error ? error.message : String(error)))
        .then(next);
    }, 1000 * seconds);
  };
  next();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
