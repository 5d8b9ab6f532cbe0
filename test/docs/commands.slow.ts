/** Every command that a document names, in its short form (forms.ts), one document after the other in a folder of stand-ins. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startServe, type ServeProcess } from '../../tools/bench/serveProcess';
import { jpeg, writeCifar } from '../data/samples';
import { writeImageFolder } from '../support/imageFolder';
import { repositoryRoot } from '../support/paths';
import { commandsOf, DOCUMENTS } from './documents';
import { formOf } from './forms';

const SELFIE = path.join(repositoryRoot, 'bin', 'selfie.js');
const tool = (name: string) => path.join(repositoryRoot, 'dist', 'tools', `${name}.js`);

function succeed(cwd: string, program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

const selfie = (cwd: string, line: string) => succeed(cwd, process.execPath, [SELFIE, ...line.split(' ')]);

/** Everything that the documents take for given: data, photographs, and what their earlier pages made. */
async function makeStandIns(folder: string): Promise<void> {
  // 5 % of its labels fill a batch of 64
  writeCifar(path.join(folder, 'cifar'), 300);
  for (const name of ['photos/train', 'labelled/train', 'labelled/test'])
    await writeImageFolder(path.join(folder, name), 40);
  for (const split of ['train', 'val'])
    await writeImageFolder(path.join(folder, 'imagenet', split, 'n01440764'), 2, 1);
  mkdirSync(path.join(folder, 'jpegs'));
  for (const [hue, file] of ['cat.jpg', 'jpegs/cat.jpg', 'jpegs/dog.jpg'].entries())
    writeFileSync(path.join(folder, file), await jpeg(64, 48, 50 * hue));

  const small = '--set network.width=4 --set batch=8';
  selfie(folder, `build-graph cifar10-mini-pretrain --out models/mini ${small}`);
  selfie(folder, 'train models/mini --data cifar10:cifar --steps 50');
  cpSync(path.join(folder, 'models/mini/graph'), path.join(folder, 'models/page/graph'), { recursive: true });
  selfie(folder, 'train models/page --data folder:photos --steps 52 --checkpoint-every 50');
  for (const name of ['fine', 'scratch']) {
    selfie(folder, `build-graph cifar10-mini-finetune --out models/${name} ${small}`);
    selfie(folder, `train models/${name} --data cifar10:cifar --steps 2`);
  }
  selfie(folder, 'export models/mini --out encoder.onnx');
  selfie(folder, 'export models/fine --to model-repository --out repository');
  cpSync(
    path.join(folder, 'models/page/checkpoints/step-50.safetensors'),
    path.join(folder, 'step-50.safetensors'),
  );
}

/** The commands of one document, in a copy of the stand-ins. */
class Page {
  private server: ServeProcess | undefined;

  constructor(private readonly folder: string) {}

  async run(line: string): Promise<void> {
    const [program, ...args] = line.split(/ +/);
    if (program === 'selfie' && args[0] === 'serve') {
      await this.close();
      const at = path.join(this.folder, args[1]);
      const others = args.slice(2).map((arg) => arg.replace('cifar10:', `cifar10:${this.folder}/`));
      this.server = await startServe(at, ...others);
      return;
    }
    if (program === 'curl') {
      const url = (this.server?.url ?? '').replace('0.0.0.0', '127.0.0.1');
      const here = args.map((arg) => arg.replace(/^'http:\/\/127\.0\.0\.1:8080(.*)'$/, `${url}$1`));
      const answer = succeed(this.folder, 'curl', ['--fail', '--silent', ...here]);
      expect(JSON.parse(answer)).toBeTruthy();
      return;
    }
    if (program === 'mkdir') {
      // a checkpoint that was made elsewhere, beside a bundle that no run here has trained
      this.forget(path.dirname(args[0]));
      succeed(this.folder, 'sh', ['-c', line]);
      return;
    }
    // a run that the page trains has not been trained by an earlier one
    if (args[0] === 'train' && !args.includes('--resume')) this.forget(args[1]);
    const file = program === 'selfie' ? SELFIE : tool(args.shift() ?? '');
    succeed(this.folder, process.execPath, [file, ...args]);
  }

  /** Leaves of a run its bundle. */
  private forget(run: string): void {
    for (const made of ['run.json', 'checkpoints', 'metrics.jsonl'])
      rmSync(path.join(this.folder, run, made), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    this.server?.child.kill('SIGTERM');
    await this.server?.ended;
    this.server = undefined;
  }
}

/** Benchmarks and their like that an earlier page has run: they need nothing of the page. */
const done = new Set<string>();

let standIns: string;
beforeAll(async () => {
  standIns = mkdtempSync(path.join(tmpdir(), 'selfie-documents-'));
  await makeStandIns(standIns);
});
afterAll(() => rmSync(standIns, { recursive: true, force: true }));

test.each(DOCUMENTS)('%s', async (document) => {
  const { block, inline } = commandsOf(document);
  const lines = [...block, ...inline.filter((each) => !block.includes(each))].flatMap((command) => {
    const form = formOf(command);
    if (!form) throw new Error(`${command} has no short form; give it one in test/docs/forms.ts`);
    return 'run' in form ? [form.run] : [];
  });
  if (lines.length === 0) return;
  const folder = mkdtempSync(path.join(tmpdir(), 'selfie-page-'));
  const page = new Page(folder);
  try {
    cpSync(standIns, folder, { recursive: true });
    for (const line of new Set(lines)) {
      if (done.has(line)) continue;
      await page.run(line);
      if (line.startsWith('tool ')) done.add(line);
    }
  } finally {
    await page.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
