/** The commands one after another, on a network of a few channels: build, train, resume, finetune, evaluate, export. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readModel } from '../../src/onnx/files';
import { selfie } from '../support/selfie';

const directory = mkdtempSync(path.join(tmpdir(), 'selfie-onnx-'));
const pretrained = path.join(directory, 'pretrain');
const finetuned = path.join(directory, 'finetune');
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const sets = (...settings: string[]) => settings.flatMap((setting) => ['--set', setting]);
const small = sets('network.width=2', 'batch=8', 'schedule.warmupSteps=0');

/** Runs a command that must succeed; resolves to what it printed. */
function succeed(...args: string[]): string {
  const { code, stdout, stderr } = selfie(args);
  if (code !== 0) throw new Error(`selfie ${args.join(' ')}: ${stderr}`);
  return stdout;
}

test('build, train, resume, finetune, evaluate, export', () => {
  succeed('build-graph', 'embedded-pretrain', '--out', pretrained, ...small, ...sets('pooling.heads=2'));
  const train = ['train', pretrained, '--data', 'embedded', '--steps', '4', '--checkpoint-every', '2'];
  expect(succeed(...train, '--keep', '1')).toContain('finished 4 steps');
  expect(existsSync(path.join(pretrained, 'checkpoints', 'step-4.safetensors'))).toBe(true);
  expect(selfie(train)).toMatchObject({ code: 1, stderr: expect.stringContaining('add --resume') as string });
  expect(succeed('train', pretrained, '--resume')).toContain('finished 4 steps');

  succeed('build-graph', 'embedded-finetune', '--out', finetuned, ...small);
  const labels = ['--data', 'embedded', '--labels', '20', '--steps', '2'];
  succeed('train', finetuned, ...labels, '--init-from', pretrained);
  const report = JSON.parse(readFileSync(path.join(finetuned, 'load-report.json'), 'utf8')) as {
    loaded: Record<string, string[]>;
    fresh: Record<string, string[]>;
  };
  expect(Object.keys(report.loaded).sort()).toEqual(['layer1', 'layer2', 'layer3', 'stem']);
  expect(Object.keys(report.fresh).sort()).toEqual(['fc', 'layer4', 'norm-after-layer4']);

  const file = path.join(directory, 'predictions.json');
  const evaluate = ['evaluate', finetuned, '--data', 'embedded'];
  const result = JSON.parse(succeed(...evaluate, '--json', '--predictions', file)) as Record<string, unknown>;
  const {
    labels: truth,
    predictions,
    logits,
  } = JSON.parse(readFileSync(file, 'utf8')) as {
    labels: number[];
    predictions: number[];
    logits: number[][];
  };
  expect(result).toMatchObject({ step: 2, split: 'test', count: truth.length });
  expect(result.accuracy).toBeCloseTo(predictions.filter((p, i) => p === truth[i]).length / truth.length, 6);
  expect(logits.map((row) => row.indexOf(Math.max(...row)))).toEqual(predictions);
  expect(succeed(...evaluate)).toContain('top-5');

  const encoder = path.join(directory, 'new', 'encoder.onnx');
  expect(succeed('export', pretrained, '--out', encoder)).toContain('encoder, equal to');
  expect(readModel(encoder).graph.outputs.map(({ name }) => name)).toEqual(['embedding']);
  const classifier = path.join(directory, 'classifier.onnx');
  succeed('export', finetuned, '--out', classifier, '--license', 'none needed');
  const { graph, metadata } = readModel(classifier);
  expect(graph.outputs.map(({ name }) => name)).toEqual(['embedding', 'logits', 'probabilities']);
  expect(metadata.data_license).toBe('none needed');
  expect(JSON.parse(metadata.classes)).toHaveLength(10);
});
