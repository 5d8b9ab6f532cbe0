/** What a tuned table is for, here. */
import { cpus } from 'node:os';
import { runtimeVersion } from '../runtime/version';

export const machine = () => ({ runtime: runtimeVersion(), processor: cpus()[0].model.trim() });
