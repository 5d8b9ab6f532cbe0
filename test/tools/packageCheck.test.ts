/** What tools/package-check finds in an installed tree. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { installedPackages, sizeOf, tooNarrow, unsafe } from '../../tools/package-check/tree';
import { inTemporaryFolder } from '../support/temporary';

/** `folder` below node_modules, with a package in it. */
function install(modules: string, folder: string, version: string, node?: string): void {
  const place = path.join(modules, folder);
  mkdirSync(place, { recursive: true });
  const name = folder.split('node_modules/').at(-1);
  const engines = node === undefined ? undefined : { node };
  writeFileSync(path.join(place, 'package.json'), JSON.stringify({ name, version, engines }));
}

test('packages at any depth, their engines and what is not safe', () =>
  inTemporaryFolder((modules) => {
    mkdirSync(path.join(modules, '.bin'));
    install(modules, 'yargs', '18.2.0', '^20.19.0 || ^22.12.0 || >=23');
    install(modules, '@grpc/grpc-js', '1.14.7', '>=12.10.0');
    install(modules, '@grpc/grpc-js/node_modules/protobufjs', '7.2.4');
    install(modules, 'protobufjs', '8.8.1', '>=12.0.0');
    install(modules, 'onnx-proto/node_modules/protobufjs', '6.11.6');
    install(modules, 'onnx-proto', '8.0.1');
    install(modules, 'cookie', '2.0.2', '>=22');
    const packages = installedPackages(modules);
    expect(packages.map(({ name }) => name).sort()).toEqual([
      '@grpc/grpc-js',
      'cookie',
      'onnx-proto',
      'protobufjs',
      'protobufjs',
      'protobufjs',
      'yargs',
    ]);
    expect(unsafe(packages).sort()).toEqual(['protobufjs 6.11.6', 'protobufjs 7.2.4']);
    expect(tooNarrow(packages, '^20.19.0 || ^22.12.0')).toEqual(['cookie 2.0.2 wants Node >=22']);
    expect(tooNarrow(packages, '>=20').sort()).toEqual([
      'cookie 2.0.2 wants Node >=22',
      'yargs 18.2.0 wants Node ^20.19.0 || ^22.12.0 || >=23',
    ]);
    const manifest = Buffer.byteLength(
      JSON.stringify({ name: 'cookie', version: '2.0.2', engines: { node: '>=22' } }),
    );
    expect(sizeOf(path.join(modules, 'cookie'))).toBe(manifest);
  }));
