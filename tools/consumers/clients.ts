/** Vendors' own clients against `selfie serve`: everything that they can ask, by clients.py. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { z } from 'zod';
import { readSafetensors, writeSafetensors } from '../../src/tensors/safetensors';
import type { HostTensor } from '../../src/tensors/dtype';
import { startServe } from '../bench/serveProcess';
import type { ConsumerFile } from './files';
import type { Row } from './main';

/** Names in the table, and of the functions in clients.py. */
const CLIENTS = {
  'tritonclient http': 'tritonclient_http',
  'tritonclient grpc': 'tritonclient_grpc',
  'kserve client': 'kserve',
} as const;

/** The run that is served, as `makeFiles` trains it. */
const RUN = 'classifier';
const answerSchema = z.union([
  z.object({ version: z.string(), asked: z.array(z.string()), difference: z.number() }),
  z.object({ missing: z.string() }),
]);

/** A row for each client whose name begins with `only`. */
export async function clientRows(
  folder: string,
  files: readonly ConsumerFile[],
  python: string,
  root: string,
  only = '',
): Promise<Row[]> {
  const names = Object.entries(CLIENTS).filter(([name]) => name.startsWith(only));
  const file = files.find(({ name }) => name === `${RUN}.onnx`);
  if (names.length === 0 || !file) return [];
  const samples = path.join(folder, 'clients.safetensors');
  const image = readSafetensors(file.inputs).tensors.get('image') as HostTensor;
  const logits = file.expected.get('logits') as Float32Array;
  const rows = image.shape[0];
  writeSafetensors(samples, [
    ['image', image],
    ['logits', { dtype: 'float32', shape: [rows, logits.length / rows], data: logits }],
  ]);
  const server = await startServe(path.join(folder, RUN), '--grpc-port', '0');
  const script = path.join(root, 'tools', 'consumers', 'clients.py');
  const found: Row[] = [];
  try {
    for (const [name, call] of names) {
      const { last, error } = await run(python, [
        script,
        call,
        server.url,
        `127.0.0.1:${server.grpcPort}`,
        RUN,
        samples,
      ]);
      found.push(last === '' ? [name, '', RUN, `refused: ${error}`, false] : row(name, last, file.allowed));
    }
  } finally {
    server.child.kill('SIGTERM');
    await server.ended;
  }
  return found;
}

function row(name: string, line: string, allowed: number): Row {
  const answer = answerSchema.parse(JSON.parse(line));
  if ('missing' in answer) return [name, '', RUN, `skipped: ${answer.missing}`, null];
  const good = answer.difference <= allowed;
  const result = `${answer.difference.toExponential(1)} ${good ? 'of' : 'is more than'} ${allowed} allowed`;
  // as many of a line as fit into 100 characters
  const asked = answer.asked.join(', ').match(/.{1,100}(?:, |$)/g) ?? [];
  return [name, answer.version, RUN, [result, ...asked].join('\n'), good];
}

/** The last line of its output, and of what it complained of. */
function run(command: string, args: readonly string[]): Promise<{ last: string; error: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { out: '', error: '' };
    child.stdout.on('data', (part: Buffer) => (said.out += part.toString()));
    child.stderr.on('data', (part: Buffer) => (said.error += part.toString()));
    child.once('error', reject);
    const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? '';
    child.once('close', () => resolve({ last: lastLine(said.out), error: lastLine(said.error) }));
  });
}
