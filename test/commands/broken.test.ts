/** `--broken` as users give it: to training with a probe, to the evaluators of its encoder, and to `data pack`. */
import { truncateSync } from 'node:fs';
import path from 'node:path';
import { openSource } from '../../src/data/sources/readers';
import { writeImageFolder } from '../support/imageFolder';
import { selfie } from '../support/selfie';
import { inTemporaryFolder } from '../support/temporary';
import { writeSmallBundle } from '../support/smallRun';

test('a broken image is named and counted by every command, or ends it', () =>
  inTemporaryFolder(async (folder) => {
    const [run, images] = [path.join(folder, 'run'), path.join(folder, 'images')];
    writeSmallBundle(run);
    await writeImageFolder(images, 40);
    const broken = path.join(images, 'class3', '0013.png');
    truncateSync(broken, 1000);
    const data = ['--data', `folder:${images}`, '--threads', '1'];
    const reason = `${broken} cannot be decoded: its png data is cut off or damaged`;

    const probed = ['train', run, ...data, '--steps', '1', '--probe-every', '1'];
    expect(selfie([...probed, '--broken', 'skip'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('skipped 1 broken images, named above') as string,
      stderr: expect.stringContaining(`warning: skipped: ${reason}`) as string,
    });
    const validation = [run, ...data, '--split', 'validation'];
    expect(selfie(['knn', ...validation])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('\nleft out 1 broken images\n') as string,
      stderr: expect.stringContaining(`warning: left out: ${reason}`) as string,
    });
    expect(selfie(['linear-probe', ...validation, '--broken', 'fail'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(reason) as string,
    });

    const packed = path.join(folder, 'gray.pack');
    const pack = ['data', 'pack', `folder:${images}`, '--to', packed, '--size', '8'];
    expect(selfie([...pack, '--channels', '1', '--broken', 'skip']).stdout).toContain('39 all images');
    const source = await openSource(`packed:${packed}`, 'train');
    expect(source).toMatchObject({ length: 39, width: 8, channels: 1 });
    source.close();
    expect(selfie([...pack, '--channels', '2'])).toMatchObject({ code: 1 });
  }));
