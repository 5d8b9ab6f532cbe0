/** The paper's hybrid table: ResNet-50 against "ResNet-36 + attention pooling", both pretrained. Full size. */
import type { ExperimentInput } from '../../src/experiment/schema';
import { learningRates } from './paper-table1';

const methods = (finetune: string, hybrid: string) => ({
  selfie: { recipe: finetune, pretrained: true, learningRates },
  hybrid: { recipe: hybrid, pretrained: true, learningRates },
});
const quoted = (labels: string, method: string, mean: number, deviation?: number) => ({
  labels,
  method,
  mean,
  deviation,
  certainty: 'recalled' as const,
});

const experiment: ExperimentInput = {
  title: 'ResNet-36 + attention pooling against ResNet-50, both pretrained',
  baseline: 'selfie',
  seeds: [0, 1, 2, 3, 4],
  validation: '10%',
  checkpointEvery: 2000,
  dataSets: {
    cifar10: {
      pretrain: { recipe: 'cifar10-pretrain' },
      methods: methods('cifar10-finetune', 'cifar10-hybrid'),
      labels: [{ labels: '4000' }, { labels: '100%' }],
      paper: [
        quoted('4000', 'selfie', 80.3, 0.3),
        quoted('4000', 'hybrid', 81.3),
        quoted('100%', 'selfie', 95.7, 0.1),
        quoted('100%', 'hybrid', 95.4),
      ],
    },
    imagenet: {
      pretrain: { recipe: 'imagenet224-pretrain' },
      methods: methods('imagenet224-finetune', 'imagenet224-hybrid'),
      labels: [{ labels: '10%' }, { labels: '100%' }],
      paper: [
        quoted('10%', 'selfie', 61.9, 0.2),
        quoted('10%', 'hybrid', 62.1),
        quoted('100%', 'selfie', 77.0, 0.1),
        quoted('100%', 'hybrid', 77.5),
      ],
    },
  },
};

export default experiment;
