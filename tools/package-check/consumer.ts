/** An empty folder that the package is installed into, and programs that run there on one Node. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

// `npm run` hands its settings down, those of the repository's .npmrc too, which consumers do not have
const inherited = Object.entries(process.env).filter(
  ([name]) => !/onnxruntime|^npm_(package|lifecycle|config_local_prefix|config_global_prefix)/i.test(name),
);

export class Consumer {
  private readonly env: Readonly<Record<string, string | undefined>>;

  /** @param node folder of the `node` that runs everything */
  constructor(
    readonly folder: string,
    node: string,
  ) {
    this.env = { ...Object.fromEntries(inherited), PATH: `${node}${path.delimiter}${process.env.PATH}` };
    mkdirSync(folder, { recursive: true });
    this.write('package.json', '{ "name": "consumer", "version": "1.0.0", "private": true }\n');
  }

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** A file of the installed package. */
  installed(...parts: string[]): string {
    return this.path('node_modules', 'selfie-onnx', ...parts);
  }

  write(name: string, text: string): void {
    writeFileSync(this.path(name), text);
  }

  /** Its stdout; an Error with what it said where it fails. */
  run(command: string, ...args: string[]): string {
    const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
      cwd: this.folder,
      env: this.env,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    if (error) throw error;
    if (status === 0) return stdout;
    const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-12).join('\n');
    throw new Error(`${[command, ...args].join(' ')} ended with ${status ?? signal}:\n${said}`);
  }

  /** The program that the package's `bin` made. */
  selfie(...args: string[]): string {
    return this.run(this.path('node_modules', '.bin', 'selfie'), ...args);
  }

  /** `selfie`, running. */
  start(...args: string[]): ChildProcess {
    return spawn('node', [this.installed('bin', 'selfie.js'), ...args], {
      cwd: this.folder,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}
