/** Triton's extensions over HTTP: repository index, statistics, configuration; a clear refusal of the others. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { modelConfig, modelStatistics, repositoryIndex } from '../protocol/descriptions';
import { RequestError } from '../protocol/requestError';
import type { Service } from '../service';

interface ModelParams {
  readonly name: string;
  readonly version?: string;
}

const indexSchema = z.looseObject({ ready: z.boolean().optional() });

/** Addresses of extensions that are not served, and what stands in for them here. */
const REFUSED = [
  [
    '/v2/repository/models/*',
    'loading and unloading by request',
    'the server looks for new versions by itself, and on SIGHUP',
  ],
  ['/v2/trace/setting', 'tracing', '/metrics and /v2/models/stats have times'],
  ['/v2/models/:name/trace/setting', 'tracing', '/metrics and /v2/models/stats have times'],
  ['/v2/logging', 'settings of the log', 'it goes to the terminal'],
  ['/v2/systemsharedmemory/*', 'shared memory', 'send the data itself'],
  ['/v2/cudasharedmemory/*', 'shared memory', 'send the data itself'],
] as const;

export function addTritonRoutes(app: FastifyInstance, { models }: Service): void {
  app.post<{ Body: Buffer | undefined }>('/v2/repository/index', ({ body }) =>
    repositoryIndex(models, readIndexRequest(body)),
  );
  app.get('/v2/models/stats', () => modelStatistics(models));
  for (const path of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    app.get<{ Params: ModelParams }>(`${path}/stats`, ({ params: { name, version } }) =>
      modelStatistics(models, name, version),
    );
    app.get<{ Params: ModelParams }>(`${path}/config`, ({ params: { name, version } }) =>
      modelConfig(models, name, version),
    );
  }
  for (const [url, what, instead] of REFUSED)
    app.route({
      method: ['GET', 'POST'],
      url,
      handler: () => {
        throw new RequestError('unimplemented', `${what} is not served: ${instead}`);
      },
    });
}

/** Whether only models that are ready are asked for. */
function readIndexRequest(body: Buffer | undefined): boolean {
  if (!body || body.length === 0) return false;
  try {
    return indexSchema.parse(JSON.parse(body.toString('utf8'))).ready ?? false;
  } catch {
    throw new RequestError('invalid', 'the body must be {"ready": true}, {} or empty');
  }
}
