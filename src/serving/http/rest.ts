/** The Open Inference Protocol over HTTP. */
import type { FastifyInstance } from 'fastify';
import { modelMetadata } from '../protocol/descriptions';
import { HEADER_LENGTH } from '../protocol/restCodec';
import { SERVER_METADATA, type Service } from '../service';

interface ModelParams {
  readonly name: string;
  readonly version?: string;
}

export function addRestRoutes(app: FastifyInstance, service: Service): void {
  app.get('/v2', () => SERVER_METADATA);
  app.get('/v2/health/live', () => ({ live: true }));
  app.get('/v2/health/ready', (_request, reply) => {
    const ready = service.isReady;
    return reply.code(ready ? 200 : 503).send({ ready });
  });
  for (const path of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    app.get<{ Params: ModelParams }>(path, ({ params }) =>
      modelMetadata(service.models, params.name, params.version),
    );
    app.get<{ Params: ModelParams }>(`${path}/ready`, ({ params: { name, version } }, reply) => {
      const ready = service.isModelReady(name, version);
      return reply.code(ready ? 200 : 503).send({ name, ready });
    });
    app.post<{ Params: ModelParams; Body: Buffer | undefined }>(`${path}/infer`, async (request, reply) => {
      const { name, version } = request.params;
      const length = request.headers[HEADER_LENGTH];
      const { body, headerLength } = await service.count('rest', name, version, async (model) => {
        const { codec } = service;
        const asked = await codec.readRest(request.body ?? Buffer.alloc(0), length?.toString());
        const outputs = await model.infer(asked.inputs, asked.outputs);
        const { version: answered, classes, maxBatch } = model;
        const labels = { classes, maxBatch };
        return codec.writeRest(
          { model: name, version: answered, outputs, classes: asked.classes, labels },
          asked,
        );
      });
      if (headerLength === null) return reply.type('application/json').send(body);
      return reply.header(HEADER_LENGTH, headerLength).type('application/octet-stream').send(body);
    });
  }
}
