/** Everything that reads files of others. */
import { IMAGES } from './images';
import { MODELS } from './models';
import type { Reader } from './reader';
import { RUNS } from './runs';
import { SOURCES } from './sources';

export const READERS: readonly Reader[] = [...IMAGES, ...SOURCES, ...RUNS, ...MODELS];
