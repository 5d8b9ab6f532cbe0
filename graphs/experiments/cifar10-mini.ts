/** Supervised, Selfie, and Selfie with consistency training on CIFAR-10: about two hours on two cores. */
import type { ExperimentInput } from '../../src/experiment/schema';

// a half of the mini recipes' width: twice the images in the time that there is
const width = { 'network.width': 8 };

const experiment: ExperimentInput = {
  title: 'CIFAR-10 on two cores: supervised, Selfie, Selfie with consistency training',
  baseline: 'supervised',
  seeds: [0, 1, 2, 3, 4],
  validation: '250/class',
  dataSets: {
    cifar10: {
      pretrain: {
        recipe: 'cifar10-mini-pretrain',
        steps: 7000,
        set: {
          ...width,
          // each tried on validation images, see the README: no zeros at the border that give places away,
          'augment.pad': 0,
          // a harder task with fewer tokens, 12 choices of 16 places,
          'patch.hidden': 0.75,
          // and more steps of fewer images
          batch: 32,
        },
      },
      methods: {
        supervised: {
          recipe: 'cifar10-mini-finetune',
          set: width,
          steps: 300,
          learningRates: [0.1, 0.2],
        },
        selfie: {
          recipe: 'cifar10-mini-finetune',
          set: width,
          steps: 300,
          learningRates: [0.1, 0.2],
          pretrained: true,
        },
        'selfie + consistency': {
          recipe: 'cifar10-mini-consistency',
          set: width,
          // as many labelled images as above, and as many unlabelled ones beside them
          steps: 300,
          learningRates: [0.1, 0.2],
          pretrained: true,
        },
      },
      labels: [
        { labels: '1%' },
        // more labels are worth more steps: at 300 a fifth of the labels was no better than a twentieth
        { labels: '5%', steps: 500 },
        { labels: '20%', steps: 700, seeds: [0, 1, 2] },
      ],
    },
  },
};

export default experiment;
