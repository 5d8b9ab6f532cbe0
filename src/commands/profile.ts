/** `selfie profile DIR` */
import path from 'node:path';
import { writeFileAtomic } from '../base/files';
import { byPhase, byScope } from '../profiling/flame';
import { measure } from '../profiling/measure';
import { profilePage } from '../profiling/profilePage';
import { placeKernels, summarize } from '../profiling/profile';
import { formatProfile } from '../profiling/tables';
import { defineCommand, directory, print, provider as providerOption, text, warn, whole } from './command';

export const profileCommand = defineCommand({
  name: 'profile',
  describe: 'show where the time of a training step goes: scopes, operators, GFLOP/s, a flame graph',
  examples: [
    ['profile models/mini', 'tables here, the flame graph in models/mini/profile.html'],
    ['profile models/mini --depth 3 --top 40', 'finer'],
  ],
  positionals: { dir: directory },
  options: {
    steps: whole('--steps', 1, 'steps to measure (default: 5)'),
    top: whole('--top', 1, 'rows of a table (default: 20)'),
    depth: whole('--depth', 1, 'parts of a scope: layer1/0 has 2 (default: 2)'),
    provider: providerOption,
    threads: whole('--threads', 1, 'threads that compute (default: all)'),
    html: text('page with the flame graph (default: profile.html in the folder)'),
    json: text('write everything as JSON to this file'),
    trace: text("keep the runtime's trace in this file (for chrome://tracing or Perfetto)"),
  },
  run: async ({ dir, steps, top = 20, depth = 2, provider, threads, html, json, trace }) => {
    const measured = await measure({ directory: dir, steps, provider, threads, trace }, warn);
    const kernels = placeKernels(measured);
    const profile = summarize(measured, kernels, depth);
    const lines = formatProfile(profile, top);
    const page = html ?? path.join(dir, 'profile.html');
    const views = { byPhase: byPhase(profile, kernels), byScope: byScope(profile, kernels) };
    writeFileAtomic(page, profilePage(`${profile.recipe}: a training step`, views, lines));
    if (json !== undefined) writeFileAtomic(json, `${JSON.stringify(profile, null, 2)}\n`);
    lines.forEach((line) => print(line));
    print();
    print(`flame graph: ${page}`);
  },
});
