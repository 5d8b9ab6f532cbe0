/** The HTTP side: the protocol, image files, the page, metrics; errors as {"error": ...}. */
import type { ServerResponse } from 'node:http';
import compress from '@fastify/compress';
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type onRequestHookHandler,
} from 'fastify';
import { bodyTooLarge, boundBodies } from './bodies';
import { Connections } from './connections';
import { addImageRoutes, canClassify, IMAGE_ADDRESSES, type ImageSettings } from './imageRoutes';
import type { Hosts } from '../hosts';
import { cannotListen } from '../listening';
import type { Protocol } from '../metrics';
import { page, PAGE_POLICY } from './servedPage';
import { asRequestError, boundedText, RequestError } from '../protocol/requestError';
import { addRestRoutes } from './rest';
import type { Service } from '../service';
import { addTritonRoutes } from './tritonRoutes';

/** Of bodies, both ways. */
const ENCODINGS: ('gzip' | 'deflate' | 'identity')[] = ['gzip', 'deflate', 'identity'];
/** Milliseconds between looks for requests that take too long to arrive. */
const TIMEOUT_CHECK = 5000;
/** Milliseconds in which the head of a request must have arrived. */
const HEADERS_TIMEOUT = 60_000;
/** Milliseconds that a body may stop for on its way. */
const BODY_IDLE = 20_000;
/** Longest name of a model in an address. */
const MAX_NAME = 256;
/** Characters of an address in an error. */
const LONGEST_URL = 200;
/** Milliseconds between looks for connections that became idle while stopping. */
const IDLE_CHECK = 50;
/** Milliseconds that a request has to arrive in when the server stops. */
const LAST_CALL = 2000;

/** What the HTTP parser refuses, by its error's code. */
const PARSER_STATUS: Readonly<Record<string, readonly [status: number, words: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
};

export interface HttpServer {
  readonly url: string;
  /** Finishes what was accepted; after `milliseconds` it ends that, too. */
  stop(milliseconds: number): Promise<void>;
}

export interface HttpSettings extends ImageSettings {
  readonly host: string;
  readonly port: number;
  /** milliseconds in which a request must have arrived */
  readonly requestTimeout: number;
  /** milliseconds without a byte, after which a body is given up; 20 s unless told */
  readonly bodyIdle?: number;
  readonly hosts: Hosts;
}

/** Listens on `port`, 0 for any. UserError where that is not possible. */
export async function startHttp(
  service: Service,
  settings: HttpSettings,
  warn: (line: string) => void,
): Promise<HttpServer> {
  const app = fastify({
    bodyLimit: settings.maxBody,
    requestTimeout: settings.requestTimeout,
    http: {
      // Refused here, in the form of all errors.
      requireHostHeader: false,
      headersTimeout: Math.min(HEADERS_TIMEOUT, settings.requestTimeout),
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECK, settings.requestTimeout),
    },
    clientErrorHandler: (error, socket) => {
      if (error.code === 'ECONNRESET' || !socket.writable) {
        socket.destroy();
        return;
      }
      const [status, words] = PARSER_STATUS[error.code] ?? [400, 'Bad Request'];
      service.countRefusal('http', status);
      const body = JSON.stringify({ error: boundedText(`${words}: ${error.message}`) });
      socket.end(
        `HTTP/1.1 ${status} ${words}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
    },
    // The service refuses by itself, in the form of all errors.
    return503OnClosing: false,
    // Its reply's type depends on a route, and here none was found.
    frameworkErrors: (error, _request, reply) => {
      const isLong = error.code === 'FST_ERR_MAX_PARAM_LENGTH';
      void (reply as unknown as FastifyReply).code(isLong ? 404 : 400).send({
        error: isLong
          ? `no model has a name of more than ${MAX_NAME} characters`
          : boundedText(error.message),
      });
    },
    routerOptions: { maxParamLength: MAX_NAME, ignoreTrailingSlash: true },
  });
  const connections = new Connections(app.server);
  app.server.on('checkExpectation', (_request, response: ServerResponse) => {
    service.countRefusal('http', 417);
    const body = JSON.stringify({ error: 'no expectation is met but 100-continue' });
    const length = Buffer.byteLength(body);
    response.writeHead(417, {
      'content-type': 'application/json',
      'content-length': length,
      connection: 'close',
    });
    response.end(body);
  });
  app.addHook('onRequest', requireHost(settings.hosts));
  app.addHook('onRequest', normalizeHeaders);
  await app.register(compress, { encodings: ENCODINGS, requestEncodings: ENCODINGS });
  boundBodies(app, { maxBody: settings.maxBody, idle: settings.bodyIdle ?? BODY_IDLE });
  // Bodies are read as bytes, whatever they say they are.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  addErrors(app, service, settings.maxBody, warn);
  app.addHook('onSend', async (_request, reply) => {
    if (service.isStopping) reply.header('connection', 'close');
  });
  addRestRoutes(app, service);
  addTritonRoutes(app, service);
  addImageRoutes(app, service, settings);
  app.get('/', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', PAGE_POLICY)
      .send(
        page({
          models: service.models.newest,
          classes: canClassify(service),
          neighbours: settings.neighbours !== null,
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
    return { url, stop: (milliseconds) => stop(app, connections, milliseconds) };
  } catch (error) {
    await app.close();
    throw cannotListen('--port', port, host, error instanceof Error ? error.message : String(error));
  }
}

/** RequestError for a host that is not allowed. A check by HTTP 1.0 may name none, which no browser does. */
const requireHost =
  (hosts: Hosts): onRequestHookHandler =>
  ({ headers: { host }, raw }, _reply, done) => {
    try {
      if (host !== undefined) hosts.require(host);
      else if (raw.httpVersion !== '1.0') throw new RequestError('invalid', 'the request has no Host header');
      done();
    } catch (error) {
      done(error as Error);
    }
  };

/** As the plugins read them: codings by their lower-case names, and a type only where it matters. */
const normalizeHeaders: onRequestHookHandler = ({ headers }, _reply, done) => {
  const coding = headers['content-encoding']?.trim().toLowerCase();
  if (coding !== undefined) headers['content-encoding'] = coding === 'x-gzip' ? 'gzip' : coding;
  const type = headers['content-type'];
  if (type !== undefined)
    headers['content-type'] = /^multipart\//i.test(type)
      ? type.replace(/^[^;]*/, (name) => name.toLowerCase())
      : 'application/octet-stream';
  done();
};

function addErrors(
  app: FastifyInstance,
  service: Service,
  maxBody: number,
  warn: (line: string) => void,
): void {
  app.setNotFoundHandler((request, reply) => {
    if (request.method === 'POST') service.countRefusal(protocolOf(request.url), 404);
    return reply.code(404).send({
      error: boundedText(
        `${request.method} ${request.url.slice(0, LONGEST_URL)}: there is nothing here; GET /v2 says who answers`,
      ),
    });
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const { http, message } = refusal(error, maxBody, warn);
    if (request.method === 'POST') service.countRefusal(protocolOf(request.url), http, error);
    if (http === 429 || http === 503) reply.header('retry-after', 1);
    // What it still has to send would be waited for.
    if (http === 408 || http === 403) reply.header('connection', 'close');
    return reply.code(http).send({ error: message });
  });
}

const protocolOf = (url: string): Protocol =>
  url.startsWith('/v2/')
    ? 'rest'
    : IMAGE_ADDRESSES.some((address) => url.startsWith(address))
      ? 'image'
      : 'http';

function refusal(
  error: FastifyError,
  maxBody: number,
  warn: (line: string) => void,
): { http: number; message: string } {
  const status = error.statusCode ?? 500;
  if (status === 413) return bodyTooLarge(maxBody);
  // What the HTTP library says of a request that it cannot read.
  if (status < 500 && !(error instanceof RequestError))
    return { http: status, message: boundedText(error.message) };
  return asRequestError(error, warn);
}

async function stop(app: FastifyInstance, connections: Connections, milliseconds: number): Promise<void> {
  const start = performance.now();
  const idle = setInterval(() => {
    app.server.closeIdleConnections();
    if (performance.now() - start > LAST_CALL) connections.closeUnread();
  }, IDLE_CHECK);
  const end = setTimeout(() => app.server.closeAllConnections(), milliseconds);
  try {
    await app.close();
  } finally {
    clearInterval(idle);
    clearTimeout(end);
  }
}
