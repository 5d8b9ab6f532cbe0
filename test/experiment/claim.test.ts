/** A folder of an experiment goes on with that experiment on those images, and with nothing else. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { claim, contentsOf } from '../../src/experiment/claim';
import { parseExperiment } from '../../src/experiment/schema';
import { inTemporaryFolder } from '../support/temporary';

const experiment = (title = 'one') =>
  parseExperiment(
    {
      title,
      baseline: 'supervised',
      seeds: [0],
      dataSets: {
        embedded: {
          pretrain: { recipe: 'embedded-pretrain' },
          methods: { supervised: { recipe: 'embedded-finetune', learningRates: [0.1] } },
          labels: [{ labels: '5%' }],
        },
      },
    },
    'here',
  );

test('the same again, elsewhere too; another experiment, other images or other sets are refused', () =>
  inTemporaryFolder(async (folder) => {
    const embedded = await contentsOf('embedded');
    claim(folder, experiment(), { embedded });
    claim(folder, experiment(), { embedded });
    expect(() => claim(folder, experiment('two'), { embedded })).toThrow('holds another experiment');
    const fewer = { ...embedded, test: { ...embedded.test, images: 7 } };
    expect(() => claim(folder, experiment(), { embedded: fewer })).toThrow(
      `embedded: these are not the test images that ${folder} was begun with: 7 images, there were`,
    );
    const classes = { ...embedded.train, classes: ['ant', ...(embedded.train.classes ?? [])] };
    expect(() => claim(folder, experiment(), { embedded: { ...embedded, train: classes } })).toThrow(
      'not the train images that',
    );
    expect(() => claim(folder, experiment(), {})).toThrow('give --data embedded:PATH too');
    expect(() => claim(folder, experiment(), { embedded, more: embedded })).toThrow('was begun without more');
  }));

test.each(['{}', '{', '\0\0\0'])('a file that holds %j is refused in words', (text) =>
  inTemporaryFolder(async (folder) => {
    writeFileSync(path.join(folder, 'experiment.json'), text);
    const embedded = await contentsOf('embedded');
    expect(() => claim(folder, experiment(), { embedded })).toThrow(
      /experiment\.json: not what `selfie experiment`/,
    );
  }),
);
