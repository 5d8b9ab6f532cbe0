/** The install script of onnxruntime-node as npm runs it in a consumer's folder: behind `preinstall` it asks for no CUDA. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../support/paths';
import { inTemporaryFolder } from '../support/temporary';

const [system, machine] = ['plan9', 'alpha'];
const NATIVE = path.join('node_modules', 'onnxruntime-node', 'bin', 'napi-v6', system, machine);
const CUDA = ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'];

/** Both packages as installed; the real scripts on a machine that wants CUDA as Linux x64 does, whatever this one is. */
function install(root: string): void {
  const real = path.join(repositoryRoot, 'node_modules');
  const runtime = path.join(root, 'node_modules', 'onnxruntime-node');
  mkdirSync(path.join(root, NATIVE), { recursive: true });
  cpSync(path.join(real, 'onnxruntime-node', 'script'), path.join(runtime, 'script'), { recursive: true });
  const machines = path.join(runtime, 'script', 'install-metadata.js');
  const text = readFileSync(machines, 'utf8').replaceAll('linux/x64', `${system}/${machine}`);
  writeFileSync(machines, text);
  for (const name of ['global-agent', 'adm-zip'])
    symlinkSync(path.join(real, name), path.join(root, 'node_modules', name));
  mkdirSync(path.join(root, 'node_modules', 'selfie-onnx'));
  for (const name of ['bin', 'package.json'])
    cpSync(path.join(repositoryRoot, name), path.join(root, 'node_modules', 'selfie-onnx', name), {
      recursive: true,
    });
}

/** Runs a script of a package as that machine; the network is out of reach. */
function run(root: string, script: string, env: Record<string, string> = {}): number | null {
  const pretend = `Object.defineProperties(process, { platform: { value: '${system}' }, arch: { value: '${machine}' } });
    require('os').platform = () => '${system}'; require('os').arch = () => '${machine}';
    require('https').get = () => { throw new Error('the network was asked'); };
    require(${JSON.stringify(path.join(root, 'node_modules', script))});`;
  const inherited = Object.entries(process.env).filter(([name]) => !/onnxruntime_node|^npm_/i.test(name));
  return spawnSync(process.execPath, ['-e', pretend], {
    env: { ...Object.fromEntries(inherited), ...env },
  }).status;
}

const PREINSTALL = path.join('selfie-onnx', 'bin', 'preinstall.js');
const POSTINSTALL = path.join('onnxruntime-node', 'script', 'install.js');

test('the files that the script would download are there, and it is content', () =>
  inTemporaryFolder((root) => {
    install(root);
    expect(run(root, POSTINSTALL)).not.toBe(0);
    expect(run(root, PREINSTALL)).toBe(0);
    for (const file of CUDA) expect(readFileSync(path.join(root, NATIVE, file), 'utf8')).toBe('');
    expect(run(root, POSTINSTALL)).toBe(0);
    // who asks for CUDA gets it all the same
    expect(run(root, POSTINSTALL, { ONNXRUNTIME_NODE_INSTALL: 'true' })).not.toBe(0);
  }));

test.each(['ONNXRUNTIME_NODE_INSTALL', 'npm_config_onnxruntime_node_install_cuda'])(
  'nothing is put there where %s is given, nor over what is there',
  (name) =>
    inTemporaryFolder((root) => {
      install(root);
      expect(run(root, PREINSTALL, { [name]: 'true' })).toBe(0);
      expect(existsSync(path.join(root, NATIVE, CUDA[0]))).toBe(false);
      writeFileSync(path.join(root, NATIVE, CUDA[0]), 'the provider');
      expect(run(root, PREINSTALL)).toBe(0);
      expect(readFileSync(path.join(root, NATIVE, CUDA[0]), 'utf8')).toBe('the provider');
      expect(readFileSync(path.join(root, NATIVE, CUDA[1]), 'utf8')).toBe('');
    }),
);

test('without onnxruntime-node, as in a clone before its packages, it does nothing', () =>
  inTemporaryFolder((root) => {
    mkdirSync(path.join(root, 'node_modules', 'selfie-onnx', 'bin'), { recursive: true });
    const script = path.join('node_modules', PREINSTALL);
    cpSync(path.join(repositoryRoot, 'bin', 'preinstall.js'), path.join(root, script));
    expect(run(root, PREINSTALL)).toBe(0);
  }));
