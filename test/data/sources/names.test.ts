/** Names of classes that no table, picture or file of labels could hold; what a pack says and is known by. */
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { publicSource } from '../../../src/data/sources/publicSource';
import { openSource } from '../../../src/data/sources/readers';
import { packSource } from '../../../src/data/tools/pack';
import { contentDifference, contentOf } from '../../../src/run/content';
import { inTemporaryFolder } from '../../support/temporary';
import { writeImageFolder } from '../../support/imageFolder';

test('control characters are shown as ?, and classes that then look the same are refused', () =>
  inTemporaryFolder(async (folder) => {
    await writeImageFolder(folder, 2, 2);
    cpSync(path.join(folder, 'class0'), path.join(folder, 'a\nb\x1b[2J'), { recursive: true });
    const source = await openSource(`folder:${folder}`, 'train');
    expect(source.classes).toEqual(['a?b?[2J', 'class0', 'class1']);
    source.close();
    mkdirSync(path.join(folder, 'a\rb\x07[2J'));
    cpSync(path.join(folder, 'class0'), path.join(folder, 'a\rb\x07[2J'), { recursive: true });
    await expect(openSource(`folder:${folder}`, 'train')).rejects.toThrow('two classes are shown as a?b?[2J');
  }));

test('a pack says what it was made from without the place', () =>
  inTemporaryFolder(async (folder) => {
    await writeImageFolder(path.join(folder, 'photos'), 4, 2);
    const file = path.join(folder, 'photos.pack');
    const spec = `folder:${path.join(folder, 'photos')}`;
    await packSource({ spec, file, size: 8 });
    const bytes = readFileSync(file).toString('latin1');
    expect(bytes).not.toContain(folder);
    expect(bytes).toContain(`"source":"${publicSource(spec)}"`);
    const content = async (at: string) => contentOf(await openSource(`packed:${at}`, 'train'));
    const before = await content(file);
    renameSync(file, `${file}-renamed`);
    expect(await content(`${file}-renamed`)).toEqual(before);
    rmSync(path.join(folder, 'photos', 'class0', '0000.png'));
    await packSource({ spec, file, size: 8 });
    expect(contentDifference(before, await content(file))).toBe('3 images, there were 4');
  }));
