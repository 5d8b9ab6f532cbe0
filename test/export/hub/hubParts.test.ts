/** Parts of a folder for the Hub that take any text: licences, names of sources, Markdown. */
import { parse } from 'yaml';
import fc from 'fast-check';
import { hubLicense } from '../../../src/export/hub/license';
import { escape } from '../../../src/export/hub/markdown';
import { publicSource } from '../../../src/data/sources/publicSource';

test.each([
  [null, { license: 'unknown' }],
  ['CC BY 4.0', { license: 'cc-by-4.0' }],
  ['Apache-2.0', { license: 'apache-2.0' }],
  ['MIT', { license: 'mit' }],
  ['own photos, all rights reserved', { license: 'other', license_name: 'own-photos-all-rights-reserved' }],
  ['©', { license: 'other' }],
])('licence %s', (given, expected) => {
  expect(hubLicense(given)).toEqual(expected);
});

test.each([
  ['embedded', 'embedded'],
  ['cifar10:/home/me/cifar-10-batches-bin', 'cifar10'],
  ['folder:/home/me/photos/', 'folder:photos'],
  ['webdataset:/data/d-{000..146}.tar', 'webdataset:d-{000..146}.tar'],
  ['browser:24 images', 'browser:24 images'],
])('%s is published as %s', (spec, expected) => {
  expect(publicSource(spec)).toBe(expected);
});

test('no directory of this machine is published', () => {
  const name = fc.stringMatching(/^[\w.-]+$/);
  fc.assert(
    fc.property(fc.constantFrom('folder', 'parquet', 'imagenet'), name, name, (kind, parent, file) => {
      const found = publicSource(`${kind}:/${parent}/${file}`);
      return (
        found === kind ||
        found === `${kind}:${file === '.' || file === '..' ? found.slice(kind.length + 1) : file}`
      );
    }),
  );
});

test('escaped text stays within a cell of a table', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const found = escape(text);
      return !/\n|(?<!\\)(?:\\\\)*[|`<]/.test(found);
    }),
  );
});

test('a licence is plain YAML', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const { license, license_name: name = '' } = hubLicense(text);
      return parse(license) === license && /^[a-z0-9.+-]*$/.test(name);
    }),
  );
});
