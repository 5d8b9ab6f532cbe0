/** Something that runs exported models. */
import type { HostTensor } from '../../src/onnx/dtype';
import type { ConsumerFile } from './files';

export interface Consumer {
  readonly version: string;
  /** Every output of the file for its images. Throws an Error that says why it cannot. */
  run(file: ConsumerFile): Promise<Map<string, HostTensor>>;
  close(): Promise<void>;
}
