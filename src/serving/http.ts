/** The HTTP side: the protocol, image files, the page, metrics; errors as {"error": ...}. */
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { addImageRoutes, canClassify, type ImageSettings } from './imageRoutes';
import { cannotListen } from './listening';
import { page, PAGE_POLICY } from './page';
import { asRequestError, RequestError } from './requestError';
import { addRestRoutes } from './rest';
import type { Service } from './service';

/** Milliseconds in which a request must have arrived. */
const REQUEST_TIMEOUT = 120_000;
/** Longest name of a model in an address. */
const MAX_NAME = 256;
/** Milliseconds between looks for connections that became idle while stopping. */
const IDLE_CHECK = 50;

export interface HttpServer {
  readonly url: string;
  /** Finishes what was accepted; after `milliseconds` it ends that, too. */
  stop(milliseconds: number): Promise<void>;
}

export interface HttpSettings extends ImageSettings {
  readonly host: string;
  readonly port: number;
}

/** Listens on `port`, 0 for any. UserError where that is not possible. */
export async function startHttp(
  service: Service,
  settings: HttpSettings,
  warn: (line: string) => void,
): Promise<HttpServer> {
  const app = fastify({
    bodyLimit: settings.maxBody,
    requestTimeout: REQUEST_TIMEOUT,
    // The service refuses by itself, in the form of all errors.
    return503OnClosing: false,
    // Its reply's type depends on a route, and here none was found.
    frameworkErrors: (error, _request, reply) => {
      void (reply as unknown as FastifyReply).code(400).send({ error: error.message });
    },
    routerOptions: { maxParamLength: MAX_NAME, ignoreTrailingSlash: true },
  });
  // Bodies are read as bytes, whatever they say they are.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  addErrors(app, settings.maxBody, warn);
  app.addHook('onSend', async (_request, reply) => {
    if (service.isStopping) reply.header('connection', 'close');
  });
  addRestRoutes(app, service);
  addImageRoutes(app, service, settings);
  app.get('/', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', PAGE_POLICY)
      .send(
        page({
          models: service.models.newest,
          classes: canClassify(service),
          patches: settings.patches !== null,
        }),
      ),
  );
  app.get('/metrics', async (_request, reply) => {
    const { registry } = service.metrics;
    return reply.type(registry.contentType).send(await registry.metrics());
  });
  const { host, port } = settings;
  try {
    const url = await app.listen({ host, port });
    return { url, stop: (milliseconds) => stop(app, milliseconds) };
  } catch (error) {
    await app.close();
    throw cannotListen('--port', port, host, error instanceof Error ? error.message : String(error));
  }
}

function addErrors(app: FastifyInstance, maxBody: number, warn: (line: string) => void): void {
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send({ error: `${request.method} ${request.url}: there is nothing here; GET /v2 says who answers` }),
  );
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const { http, message } = refusal(error, maxBody, warn);
    if (http === 429 || http === 503) reply.header('retry-after', 1);
    return reply.code(http).send({ error: message });
  });
}

function refusal(
  error: FastifyError,
  maxBody: number,
  warn: (line: string) => void,
): { http: number; message: string } {
  const status = error.statusCode ?? 500;
  if (status === 413)
    return new RequestError('tooLarge', `the body has more than ${maxBody} bytes (the server's --max-body)`);
  // What the HTTP library says of a request that it cannot read.
  if (status < 500 && !(error instanceof RequestError)) return { http: status, message: error.message };
  return asRequestError(error, warn);
}

async function stop(app: FastifyInstance, milliseconds: number): Promise<void> {
  const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK);
  const end = setTimeout(() => app.server.closeAllConnections(), milliseconds);
  try {
    await app.close();
  } finally {
    clearInterval(idle);
    clearTimeout(end);
  }
}
