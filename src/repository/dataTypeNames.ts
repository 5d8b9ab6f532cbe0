/** What the Open Inference Protocol and Triton's configurations call the element types. */
import type { DType } from '../tensors/dtype';

const NAMES: Readonly<Record<DType, string>> = {
  float32: 'FP32',
  float64: 'FP64',
  float16: 'FP16',
  uint8: 'UINT8',
  uint16: 'UINT16',
  int8: 'INT8',
  int32: 'INT32',
  int64: 'INT64',
  uint32: 'UINT32',
  uint64: 'UINT64',
  bool: 'BOOL',
};

const BY_NAME = new Map(Object.entries(NAMES).map(([dtype, name]) => [name, dtype as DType]));

export const dataTypeName = (dtype: DType): string => NAMES[dtype];

/** The dtype by that name, or undefined. */
export const dtypeNamed = (name: string): DType | undefined => BY_NAME.get(name);

/** `tensor x: datatype COMPLEX is not served; expected one of ...`, where `where` names the tensor. */
export const unknownDataType = (name: string, where: string): string =>
  `${where}: datatype ${name} is not served; expected one of ${[...BY_NAME.keys()].join(', ')}`;
