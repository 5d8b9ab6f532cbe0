/** What a pickle of images may hold, as values without behaviour. */
import type { NumpyArray, StoredBytes } from './numpyArray';

/** A Python object: `bytes` and long strings stay in the file. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | readonly PickleValue[]
  | PickleDict
  | PickleBytes
  | PickleArray
  | PickleDtype
  | PickleName;

/** Keys are strings; `b'data'` and `'data'` are the same key. */
export class PickleDict {
  readonly items = new Map<string, PickleValue>();
}

/** `bytes`; or where `text`, a long string that only `_codecs.encode` may use */
export class PickleBytes {
  constructor(
    readonly data: StoredBytes,
    readonly text = false,
  ) {}
}

export class PickleDtype {
  order = '|';
  constructor(readonly code: string) {}
}

/** An array of NumPy, empty until BUILD fills it. */
export class PickleArray {
  content: NumpyArray | undefined;
}

export class PickleName {
  constructor(readonly name: string) {}
}

/** The content of an array in a pickle, or undefined for anything else. */
export const arrayOf = (value: PickleValue | undefined): NumpyArray | undefined =>
  value instanceof PickleArray ? value.content : undefined;
