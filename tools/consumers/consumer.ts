/** Something that runs exported models. */
import type { HostTensor } from '../../src/tensors/dtype';
import type { ConsumerFile } from './files';

/** What a consumer has no operators for, by file; anything else that it refuses is a failure. */
export type Limits = readonly (readonly [file: RegExp, why: string])[];

export interface Consumer {
  readonly version: string;
  /** those of this machine */
  readonly limits?: Limits;
  /** Every output of the file for its images. Throws an Error that says why it cannot. */
  run(file: ConsumerFile): Promise<Map<string, HostTensor>>;
  close(): Promise<void>;
}
