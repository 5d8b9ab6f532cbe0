/** POST /classify and POST /embed: an image file in, JSON out. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { softmax } from '../../tensors/rows';
import { imageForm } from '../../inference/imageForm';
import { FORM_BYTES, formFile } from './forms';
import { imageTensor } from './imageInput';
import { EMBEDDING, type NeighbourImages } from './neighbours';
import type { PatchPictures } from './patchPictures';
import { RequestError } from '../protocol/requestError';
import type { ServedModel } from '../models/servedModel';
import type { Service } from '../service';

export interface ImageSettings {
  /** bytes of a file */
  readonly maxBody: number;
  /** images that may be decoded or wait for it */
  readonly maxQueue: number;
  /** null: the models are no pretraining run's */
  readonly patches: PatchPictures | null;
  /** null: none were asked for */
  readonly neighbours: NeighbourImages | null;
}

export const IMAGE_ADDRESSES = ['/classify', '/embed', '/neighbours', '/patches'] as const;
/** Images of an answer where it does not say. */
const NEIGHBOURS = 8;

type Query = Readonly<Record<string, string | string[] | undefined>>;
type ImageRequest = FastifyRequest<{ Querystring: Query }>;

/** What tells classes, the better first. */
const SCORES = ['probabilities', 'logits'];

/** Registers the addresses in a scope of their own, where forms are parsed. */
export function addImageRoutes(app: FastifyInstance, service: Service, settings: ImageSettings): void {
  let pending = 0;
  const bounded = async <T>(body: () => Promise<T>): Promise<T> => {
    if (pending >= settings.maxQueue)
      throw new RequestError(
        'queueFull',
        `${pending} images wait already, and no more are taken; try again later`,
      );
    pending++;
    try {
      return await body();
    } finally {
      pending--;
    }
  };
  /** One output of the first that the model has, for the request's image. */
  const compute = async (request: ImageRequest, outputs: readonly string[]) => {
    const bytes = imageBytes(request);
    const name = chooseModel(service, queryText(request.query, 'model'), outputs);
    return service.count('image', name, undefined, (model) =>
      bounded(async () => {
        const form = imageForm(model.info);
        const output = outputs.find((each) => hasOutput(model, each));
        if (!form || output === undefined) throw unfit(name, outputs);
        const input = await imageTensor(bytes, form);
        const values = (await model.infer(new Map([[form.name, input]]), [output])).get(output)?.data;
        if (!values) throw new Error(`${name} gave no ${output}`);
        return { model, output, values: Array.from(values as ArrayLike<number>) };
      }),
    );
  };

  void app.register((scope, _options, done) => {
    scope.addContentTypeParser(
      'multipart/form-data',
      { parseAs: 'buffer', bodyLimit: settings.maxBody + FORM_BYTES },
      ({ headers }: FastifyRequest, body: Buffer) => formFile(headers['content-type'] ?? '', body),
    );
    scope.post<{ Querystring: Query }>('/embed', async (request) => {
      const { model, values } = await compute(request, [EMBEDDING]);
      return { model: model.name, version: model.version, embedding: values };
    });
    scope.post<{ Querystring: Query }>('/classify', async (request) => {
      const top = queryCount(request.query, 'top');
      const { model, output, values } = await compute(request, SCORES);
      const probabilities = output === 'logits' ? softmax(values) : values;
      const classes = probabilities
        .map((probability, i) => ({ name: model.classes?.[i] ?? `class ${i}`, probability }))
        .sort((a, b) => b.probability - a.probability);
      return { model: model.name, version: model.version, classes: classes.slice(0, top) };
    });
    const { patches, neighbours } = settings;
    if (neighbours)
      scope.post<{ Querystring: Query }>('/neighbours', async (request) => {
        const count = queryCount(request.query, 'count') ?? NEIGHBOURS;
        if (count < 1) throw new RequestError('invalid', '?count=0: expected at least 1');
        const bytes = imageBytes(request);
        return service.count('image', neighbours.modelName, undefined, () =>
          bounded(() => neighbours.search(bytes, count)),
        );
      });
    if (patches)
      scope.post<{ Querystring: Query }>('/patches', async (request, reply) => {
        const seed = queryCount(request.query, 'seed') ?? 0;
        const bytes = imageBytes(request);
        const inPage = queryText(request.query, 'colours') === 'page';
        const svg = await service.countOther('image', 'patches', () => patches.draw(bytes, seed, inPage));
        return reply.type('image/svg+xml').send(svg);
      });
    done();
  });
}

const hasOutput = ({ info }: ServedModel, output: string) => info.outputs.some(({ name }) => name === output);

const unfit = (model: string, outputs: readonly string[]) =>
  new RequestError(
    'invalid',
    `model ${model} takes no image or has no output ${outputs.join(' or ')}; use /v2/models/${model}/infer`,
  );

/** The first model by name that takes an image and gives one of these. */
const firstFit = (service: Service, outputs: readonly string[]) =>
  service.models.newest.find(
    (model) => imageForm(model.info) !== null && outputs.some((output) => hasOutput(model, output)),
  );

/** The model that /embed takes. */
export const embeddingModel = (service: Service) => firstFit(service, [EMBEDDING]);

/** Whether /classify has a model. */
export const canClassify = (service: Service): boolean => firstFit(service, SCORES) !== undefined;

/** The model asked for, or the first by name that does it. */
function chooseModel(service: Service, asked: string | undefined, outputs: readonly string[]): string {
  const name = asked ?? firstFit(service, outputs)?.name;
  if (name !== undefined) return name;
  throw new RequestError('unknown', `no model here takes an image and gives ${outputs.join(' or ')}`);
}

/** The body, or the file of the form that it was. */
const imageBytes = ({ body }: FastifyRequest): Buffer => (Buffer.isBuffer(body) ? body : Buffer.alloc(0));

function queryText(query: Query, name: string): string | undefined {
  const value = query[name];
  if (Array.isArray(value)) throw new RequestError('invalid', `?${name}= is given more than once`);
  return value;
}

function queryCount(query: Query, name: string): number | undefined {
  const value = queryText(query, name);
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value))
    throw new RequestError('invalid', `?${name}=${value}: expected a whole number of at least 0`);
  return Number(value);
}
