/** ResNet with bottleneck blocks: v1 as torchvision, v2 (pre-activation, He et al. 2016) as the paper. */
import type { Value } from '../graph/graph';
import { relu } from '../ops/activation';
import { add } from '../ops/elementwise';
import { maxPool2d } from '../ops/pool';
import type { Context } from './context';
import { BatchNorm2d, Conv2d } from './layers';

/** Output channels of a bottleneck over its inner channels. */
export const EXPANSION = 4;

export interface ResNetOptions {
  readonly version: 'v1' | 'v2';
  /** blocks of each stage, one to four stages */
  readonly stages: readonly number[];
  readonly width: number;
  /** cifar: 3x3 stride 1; imagenet: 7x7 stride 2 and 3x3 max-pool stride 2 */
  readonly stem: 'cifar' | 'imagenet';
  readonly inChannels: number;
  /** v2: batch norm and ReLU after the last stage */
  readonly finalNorm: boolean;
}

/** Channels that come out of a stage (counted from 0). */
export const stageChannels = (width: number, stage: number) => width * 2 ** stage * EXPANSION;

export interface Block {
  apply(context: Context, x: Value): Value;
}

/** conv-bn-relu, conv-bn-relu, conv-bn, add, relu; the stride is on the 3x3 convolution. */
class BottleneckV1 implements Block {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d;
  readonly downsample?: readonly [Conv2d, BatchNorm2d];

  constructor(inChannels: number, inner: number, stride: number) {
    const out = inner * EXPANSION;
    this.conv1 = new Conv2d(inChannels, inner, 1);
    this.bn1 = new BatchNorm2d(inner);
    this.conv2 = new Conv2d(inner, inner, 3, { stride, padding: 1 });
    this.bn2 = new BatchNorm2d(inner);
    this.conv3 = new Conv2d(inner, out, 1);
    this.bn3 = new BatchNorm2d(out);
    if (stride !== 1 || inChannels !== out) {
      this.downsample = [new Conv2d(inChannels, out, 1, { stride }), new BatchNorm2d(out)];
    }
  }

  apply(context: Context, x: Value): Value {
    const step = (name: string, layer: Block, value: Value) =>
      context.scope(name, () => layer.apply(context, value));
    let y = relu(step('bn1', this.bn1, step('conv1', this.conv1, x)));
    y = relu(step('bn2', this.bn2, step('conv2', this.conv2, y)));
    y = step('bn3', this.bn3, step('conv3', this.conv3, y));
    let shortcut = x;
    if (this.downsample) {
      const [conv, norm] = this.downsample;
      shortcut = step('downsample/1', norm, step('downsample/0', conv, x));
    }
    return relu(add(y, shortcut));
  }
}

/** bn-relu-conv three times, add; where the shape changes the shortcut is a convolution of the first activation. */
class BottleneckV2 implements Block {
  readonly bn1: BatchNorm2d;
  readonly conv1: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn3: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly downsample?: readonly [Conv2d];

  constructor(inChannels: number, inner: number, stride: number) {
    const out = inner * EXPANSION;
    this.bn1 = new BatchNorm2d(inChannels);
    this.conv1 = new Conv2d(inChannels, inner, 1);
    this.bn2 = new BatchNorm2d(inner);
    this.conv2 = new Conv2d(inner, inner, 3, { stride, padding: 1 });
    this.bn3 = new BatchNorm2d(inner);
    this.conv3 = new Conv2d(inner, out, 1);
    if (stride !== 1 || inChannels !== out) this.downsample = [new Conv2d(inChannels, out, 1, { stride })];
  }

  apply(context: Context, x: Value): Value {
    const step = (name: string, layer: Block, value: Value) =>
      context.scope(name, () => layer.apply(context, value));
    const activated = relu(step('bn1', this.bn1, x));
    const shortcut = this.downsample ? step('downsample/0', this.downsample[0], activated) : x;
    let y = step('conv1', this.conv1, activated);
    y = step('conv2', this.conv2, relu(step('bn2', this.bn2, y)));
    y = step('conv3', this.conv3, relu(step('bn3', this.bn3, y)));
    return add(y, shortcut);
  }
}

/** Stem and stages, without pooling and classifier. State names are torchvision's; v2's final norm is `norm`. */
export class ResNet {
  readonly conv1: Conv2d;
  readonly bn1?: BatchNorm2d;
  readonly layer1?: readonly Block[];
  readonly layer2?: readonly Block[];
  readonly layer3?: readonly Block[];
  readonly layer4?: readonly Block[];
  readonly norm?: BatchNorm2d;

  constructor(private readonly options: ResNetOptions) {
    const { version, stages, width, stem, inChannels, finalNorm } = options;
    this.conv1 =
      stem === 'cifar'
        ? new Conv2d(inChannels, width, 3, { padding: 1 })
        : new Conv2d(inChannels, width, 7, { stride: 2, padding: 3 });
    if (version === 'v1') this.bn1 = new BatchNorm2d(width);
    const Bottleneck = version === 'v1' ? BottleneckV1 : BottleneckV2;
    const layer = (stage: number): readonly Block[] | undefined => {
      if (stage >= stages.length) return undefined;
      const before = stage === 0 ? width : stageChannels(width, stage - 1);
      return Array.from({ length: stages[stage] }, (_, i) =>
        i === 0
          ? new Bottleneck(before, width * 2 ** stage, stage === 0 ? 1 : 2)
          : new Bottleneck(stageChannels(width, stage), width * 2 ** stage, 1),
      );
    };
    this.layer1 = layer(0);
    this.layer2 = layer(1);
    this.layer3 = layer(2);
    this.layer4 = layer(3);
    if (version === 'v2' && finalNorm) this.norm = new BatchNorm2d(this.outChannels);
  }

  get outChannels(): number {
    return stageChannels(this.options.width, this.options.stages.length - 1);
  }

  /** Images [N, C, H, W] -> the last stage's map [N, outChannels, h, w]. */
  apply(context: Context, images: Value): Value {
    let x = context.scope('conv1', () => this.conv1.apply(context, images));
    const { bn1, norm } = this;
    if (bn1) x = relu(context.scope('bn1', () => bn1.apply(context, x)));
    if (this.options.stem === 'imagenet')
      x = context.scope('maxpool', () => maxPool2d(x, 3, { stride: 2, padding: 1 }));
    [this.layer1, this.layer2, this.layer3, this.layer4].forEach((blocks, stage) =>
      blocks?.forEach((block, i) => {
        x = context.scope(`layer${stage + 1}/${i}`, () => block.apply(context, x));
      }),
    );
    return norm ? relu(context.scope('norm', () => norm.apply(context, x))) : x;
  }
}
