/** State: names as PyTorch's, initial values by name. */
import { Conv2d, LayerNorm, Linear } from '../../src/nn/layers';
import { ResNet } from '../../src/nn/resnet';
import { initialValues, namedState, Parameter } from '../../src/nn/state';
import { MultiheadAttention, TransformerEncoderLayer } from '../../src/nn/transformer';

const names = (module: object) => namedState(module).map(([name]) => name);

test('ResNet v1 has the names of torchvision', () => {
  const resnet = new ResNet({
    version: 'v1',
    stages: [1, 1, 1, 1],
    width: 4,
    stem: 'imagenet',
    inChannels: 3,
    finalNorm: true,
  });
  const list = names(resnet);
  expect(list).toEqual(
    expect.arrayContaining([
      'conv1.weight',
      'bn1.running_var',
      'layer1.0.conv1.weight',
      'layer1.0.bn3.bias',
      'layer1.0.downsample.0.weight',
      'layer1.0.downsample.1.running_mean',
      'layer4.0.conv3.weight',
    ]),
  );
  expect(list.some((name) => name.startsWith('norm.'))).toBe(false);
});

test('ResNet v2 has a final norm, no norm at the stem and none on the shortcut', () => {
  const options = { stages: [1, 2], width: 4, stem: 'cifar', inChannels: 3 } as const;
  const list = names(new ResNet({ ...options, version: 'v2', finalNorm: true }));
  expect(list).toEqual(expect.arrayContaining(['norm.weight', 'norm.running_mean', 'layer2.1.bn1.weight']));
  expect(list.filter((name) => /^bn1|downsample\.1/.test(name))).toEqual([]);
  expect(
    names(new ResNet({ ...options, version: 'v2', finalNorm: false })).filter((n) => n.startsWith('norm')),
  ).toEqual([]);
});

test('a Transformer block has the names and shapes of torch.nn.TransformerEncoderLayer', () => {
  const layer = new TransformerEncoderLayer({ width: 8, heads: 2, feedForward: 12, dropout: 0 });
  const shapes = Object.fromEntries(namedState(layer).map(([name, { shape }]) => [name, shape]));
  expect(shapes).toEqual({
    'self_attn.in_proj_weight': [24, 8],
    'self_attn.in_proj_bias': [24],
    'self_attn.out_proj.weight': [8, 8],
    'self_attn.out_proj.bias': [8],
    'linear1.weight': [12, 8],
    'linear1.bias': [12],
    'linear2.weight': [8, 12],
    'linear2.bias': [8],
    'norm1.weight': [8],
    'norm1.bias': [8],
    'norm2.weight': [8],
    'norm2.bias': [8],
  });
});

describe('initial values', () => {
  const weight = new Conv2d(64, 128, 3).weight;

  test('He: N(0, 2 / (k k O)) for convolutions', () => {
    const values = initialValues('layer1.0.conv2.weight', weight, 0);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + b * b, 0) / values.length;
    expect(mean).toBeCloseTo(0, 3);
    expect(variance / (2 / (9 * 128))).toBeCloseTo(1, 1);
  });

  test('linear layers are uniform within 1 / sqrt(in), norms start as the identity', () => {
    const values = initialValues('fc.weight', new Linear(100, 50).weight, 0);
    expect(Math.max(...values)).toBeLessThanOrEqual(0.1);
    expect(Math.max(...values)).toBeGreaterThan(0.095);
    expect([...initialValues('norm.weight', new LayerNorm(3).weight, 0)]).toEqual([1, 1, 1]);
  });

  test('attention’s three projections are uniform within the bound of one matrix [3 D, D] (Xavier), its biases 0', () => {
    const { in_proj_weight, in_proj_bias, out_proj } = new MultiheadAttention(96, 4);
    const values = initialValues('in_proj_weight', in_proj_weight, 0);
    const bound = Math.sqrt(6 / (4 * 96));
    expect(Math.max(...values)).toBeLessThanOrEqual(bound);
    expect(Math.max(...values)).toBeGreaterThan(0.99 * bound);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-bound);
    expect(Math.min(...values)).toBeLessThan(-0.99 * bound);
    for (const bias of [in_proj_bias, out_proj.bias])
      expect([...initialValues('bias', bias, 0)].every((value) => value === 0)).toBe(true);
  });

  test('depend on seed and name only', () => {
    const parameter = new Parameter([4], { kind: 'normal', std: 1 });
    const values = initialValues('a', parameter, 1);
    expect(initialValues('a', parameter, 1)).toEqual(values);
    expect(initialValues('b', parameter, 1)).not.toEqual(values);
    expect(initialValues('a', parameter, 2)).not.toEqual(values);
  });
});
