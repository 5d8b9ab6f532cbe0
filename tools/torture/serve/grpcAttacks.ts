/** gRPC that does not behave: damaged messages in whole frames, damaged frames, and connections that are no HTTP/2. */
import { append } from '../../../src/base/lists';
import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { Random } from '../../../src/base/random';
import { damage, drawMutations } from '../damage/mutations';
import { type Attack, randomBytes } from './attacks';
import { openMany, sleep } from './connections';
import type { Target } from './target';

const SERVICE = '/inference.GRPCInferenceService';
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** An empty SETTINGS frame. */
const SETTINGS = '\0\0\0\x04\0\0\0\0\0';

const asIs = (bytes: Buffer) => bytes;

/** A message of protobuf by hand: field numbers of the Open Inference Protocol's ModelInferRequest. */
function inferMessage(images = 1): Buffer {
  const field = (number: number, bytes: Buffer) =>
    Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes]);
  const varint = (value: number): Buffer =>
    value < 128
      ? Buffer.from([value])
      : Buffer.concat([Buffer.from([(value & 127) | 128]), varint(value >>> 7)]);
  const input = Buffer.concat([
    field(1, Buffer.from('image')),
    field(2, Buffer.from('FP32')),
    field(3, Buffer.from([images, 3, 32, 32])),
  ]);
  return Buffer.concat([
    field(1, Buffer.from('fine')),
    field(5, input),
    field(7, Buffer.alloc(images * 4 * 3 * 32 * 32)),
  ]);
}

interface Answered {
  readonly code: status;
  readonly details: string;
}

const call = (client: Client, method: string, message: Buffer): Promise<Answered> =>
  new Promise((resolve) => {
    const deadline = Date.now() + 20_000;
    client.makeUnaryRequest(
      `${SERVICE}/${method}`,
      asIs,
      asIs,
      message,
      { deadline },
      (error: ServiceError | null) =>
        resolve(error ? { code: error.code, details: error.details } : { code: status.OK, details: '' }),
    );
  });

/** Codes that say that the server, not the request, is at fault. */
const FAULTS = [
  status.UNKNOWN,
  status.INTERNAL,
  status.DEADLINE_EXCEEDED,
  status.UNAVAILABLE,
  status.DATA_LOSS,
];

async function withClient<T>({ grpcPort }: Target, body: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_send_message_length': -1,
  });
  try {
    return await body(client);
  } finally {
    client.close();
  }
}

/** What the library says of bytes that are no message. */
const NO_MESSAGE = /^Error deserializing request/;

const judge = (what: string, { code, details }: Answered): string[] =>
  FAULTS.includes(code) && !NO_MESSAGE.test(details)
    ? [`${what}: ${status[code]}: ${details.slice(0, 200)}`]
    : [];

/** Damaged messages of every method. */
export function grpcDamaged(seed: number, count: number): Attack {
  const methods = [
    'ModelInfer',
    'ModelMetadata',
    'ModelReady',
    'ServerLive',
    'ModelConfig',
    'RepositoryIndex',
    'NoSuchMethod',
  ];
  return {
    name: 'damaged messages',
    run: (target) =>
      withClient(target, async (client) => {
        const whole = inferMessage();
        const first = await call(client, 'ModelInfer', whole);
        const problems =
          first.code === status.OK ? [] : [`a right message: ${status[first.code]}: ${first.details}`];
        for (let i = 0; i < count; i++) {
          const random = new Random(seed, 'grpc', i);
          const message = damage(whole, drawMutations(random.nextUint32() | 0));
          const method = i % 2 === 0 ? methods[0] : methods[random.integer(methods.length)];
          append(problems, judge(`${method}, damaged ${i}`, await call(client, method, message)));
        }
        return problems;
      }),
  };
}

async function largeMessage(target: Target): Promise<string[]> {
  return withClient(target, async (client) => {
    const answers = await Promise.all(
      [1, 2, 3].map(() => call(client, 'ModelInfer', Buffer.alloc(80 * 2 ** 20))),
    );
    return answers.flatMap((answer) => judge('80 MB of zeros', answer));
  });
}

/** Right messages at once, each on a connection of its own. */
async function manyMessages(target: Target): Promise<string[]> {
  const message = inferMessage(30);
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => withClient(target, (client) => call(client, 'ModelInfer', message))),
  );
  return answers
    .filter(({ code }) => code !== status.RESOURCE_EXHAUSTED)
    .flatMap((answer) => judge('30 images', answer));
}

/** A stream's request begins, announces four gigabytes, and nothing more comes. */
async function openStreams(target: Target): Promise<string[]> {
  return withClient(target, async (client) => {
    const calls = Array.from({ length: 200 }, () =>
      client.makeBidiStreamRequest(`${SERVICE}/ModelStreamInfer`, asIs, asIs),
    );
    calls.forEach((each) => each.on('error', () => {}));
    await sleep(3000);
    calls.forEach((each) => each.cancel());
    return [];
  });
}

async function silent({ grpcPort }: Target): Promise<string[]> {
  const sockets = await openMany(grpcPort ?? 0, 200);
  sockets.forEach((socket, i) => socket.write(i % 2 === 0 ? PREFACE : PREFACE + SETTINGS, 'latin1'));
  await sleep(3000);
  sockets.forEach((socket) => socket.destroy());
  return [];
}

const port = ({ grpcPort }: Target) => grpcPort ?? 0;

export const GRPC_ATTACKS: readonly Attack[] = [
  { name: 'random bytes', run: randomBytes(port) },
  { name: 'random frames', run: randomBytes(port, PREFACE + SETTINGS) },
  { name: '200 silent connections', run: silent },
  { name: '200 open streams', run: openStreams },
  { name: 'right messages of 30 images, 40 times', mayRefuse: true, run: manyMessages },
  { name: 'messages of 80 MB', mayRefuse: true, run: largeMessage },
];
