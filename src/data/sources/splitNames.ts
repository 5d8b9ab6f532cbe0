/** What tools and people call the folders of splits, in any capitals. */
import type { Split } from './source';

/** In small letters. Names of one row mean the same; the first row that has a folder counts. */
export const SPLIT_NAMES: Readonly<Record<Split, readonly (readonly string[])[]>> = {
  train: [['train', 'training']],
  test: [
    ['val', 'valid', 'validation', 'dev', 'eval'],
    ['test', 'testing'],
  ],
};
const ALL = [...SPLIT_NAMES.train, ...SPLIT_NAMES.test].flat();

export const isSplit = (name: string): boolean => ALL.includes(name.toLowerCase());

export const isTraining = (name: string): boolean => SPLIT_NAMES.train.flat().includes(name.toLowerCase());
