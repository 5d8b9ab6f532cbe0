/** Execution providers: which ones are there, and a clear error where the one asked for is not. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { listSupportedBackends } from 'onnxruntime-node';
import { UserError } from '../base/errors';
import { PROVIDERS, type Provider } from '../base/providers';

/** What a session computes with. */
export interface SessionSettings {
  readonly provider: Provider;
  /** threads inside an operator; on the CPU the results are the same bits for the same number */
  readonly threads: number;
}

/** What mends a provider that is compiled in but does not start. */
const REMEDY: Readonly<Record<Provider, string>> = {
  cpu: 'reinstall with `npm ci`',
  cuda: 'on Linux x64 with CUDA 12 and cuDNN 9, `ONNXRUNTIME_NODE_INSTALL=true npm rebuild onnxruntime-node` adds it',
  webgpu: 'it needs a graphics driver (on Linux: libvulkan1 and a Vulkan driver)',
};

/** Why a provider does not work, by provider; `null` where it does. Asked once a process. */
const answers = new Map<Provider, string | null>();

/**
 * Throws a UserError unless a session really starts on `provider`. The runtime lists providers whose shared library or
 * device may be missing, so a one-node graph is tried, in a child process: its native libraries write to stderr.
 */
export function requireProvider(provider: Provider): void {
  const problem = providerProblem(provider);
  if (problem === null) return;
  const present = PROVIDERS.filter((other) => other !== provider && providerProblem(other) === null);
  throw new UserError(
    `--provider ${provider}: not available here (${problem}); available: ${present.join(', ')}; ${REMEDY[provider]}`,
  );
}

/** The providers on which a session starts on this machine. */
export function availableProviders(): Provider[] {
  return PROVIDERS.filter((provider) => providerProblem(provider) === null);
}

function providerProblem(provider: Provider): string | null {
  let answer = answers.get(provider);
  if (answer === undefined) {
    const listed = listSupportedBackends().some(({ name }) => name === provider);
    answer = listed ? tryProvider(provider) : `this build of onnxruntime-node has no ${provider} provider`;
    answers.set(provider, answer);
  }
  return answer;
}

function tryProvider(provider: Provider): string | null {
  if (provider === 'cpu') return null;
  const child = spawnSync(process.execPath, [path.join(__dirname, 'providerCheck.js'), provider], {
    encoding: 'utf8',
  });
  if (child.status === 0) return null;
  const line = child.stdout.trim().split('\n').at(-1) ?? '';
  return line === '' ? `the process that tried it ended with ${child.signal ?? child.status}` : line;
}
