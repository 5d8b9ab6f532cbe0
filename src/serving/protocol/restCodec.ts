/** The protocol's JSON with its binary data extension: bodies to tensors and tensors to bodies. */
import { z } from 'zod';
import { toBytes } from '../../tensors/dtype';
import { MOST_AXES, tensorFromBytes, tensorFromValues, tensorToValues, parseDataType } from './dataTypes';
import { dataTypeName } from '../../repository/dataTypeNames';
import type { Tensors } from '../../inference/modelThread';
import { RequestError } from './requestError';
import { refuseSharedMemory, textBytes, type OutputTensors } from './classification';
import { boundJson } from './jsonBounds';

/** How many bytes of a body are JSON; the rest are tensors, one after another. */
export const HEADER_LENGTH = 'inference-header-content-length';

/** Of one request. */
const MOST_TENSORS = 1000;
/** Characters of a name or an id. */
const LONGEST_TEXT = 1000;
/** Characters of an error. */
const LONGEST_PROBLEM = 300;

/** A list whose length is checked first: a million wrong elements would be a million problems. */
const listOf = <T extends z.ZodType>(element: T, most: number) =>
  z.array(z.unknown()).max(most).pipe(z.array(element));

const text = z.string().max(LONGEST_TEXT);

const parametersSchema = z.looseObject({
  binary_data_size: z.int().nonnegative().optional(),
  binary_data: z.boolean().optional(),
  binary_data_output: z.boolean().optional(),
  classification: z.int().positive().optional(),
});

const requestSchema = z.looseObject({
  id: text.optional(),
  parameters: parametersSchema.optional(),
  inputs: listOf(
    z.looseObject({
      name: text,
      shape: listOf(z.number(), MOST_AXES),
      datatype: text,
      parameters: parametersSchema.optional(),
      // Checked as it becomes a tensor: there may be millions.
      data: z.unknown().optional(),
    }),
    MOST_TENSORS,
  ).refine((inputs) => inputs.length > 0, 'there must be at least one'),
  outputs: listOf(
    z.looseObject({ name: text, parameters: parametersSchema.optional() }),
    MOST_TENSORS,
  ).optional(),
});

type RequestJson = z.infer<typeof requestSchema>;

export interface RestRequest {
  readonly id: string | undefined;
  readonly inputs: Tensors;
  /** names; null: all */
  readonly outputs: readonly string[] | null;
  /** of which outputs the so many highest values are asked for */
  readonly classes: ReadonlyMap<string, number>;
  /** whether an output goes out as bytes, where the request says so of it */
  readonly binary: ReadonlyMap<string, boolean>;
  /** and where it does not */
  readonly binaryOutputs: boolean;
}

/** An inference's results, to be written. */
export interface Results {
  readonly model: string;
  readonly version: string;
  readonly outputs: OutputTensors;
}

/** Reads a body. `headerLength` is the header's value. RequestError for whatever does not follow the protocol. */
export function readRestRequest(body: Buffer, headerLength: string | undefined): RestRequest {
  const length = headerLength === undefined ? body.length : Number(headerLength);
  if (!/^\d+$/.test(headerLength ?? '0') || length > body.length)
    throw new RequestError(
      'invalid',
      `Inference-Header-Content-Length: ${headerLength}: expected the length of the JSON, at most the body's ${body.length} bytes`,
    );
  const json = parseJson(body.subarray(0, length));
  const binary = new BinaryParts(body.subarray(length));
  const inputs = new Map(json.inputs.map((input) => [input.name, readInput(input, binary)]));
  if (inputs.size < json.inputs.length) throw new RequestError('invalid', 'two inputs have the same name');
  binary.finish();
  const asked = new Map(json.outputs?.map(({ name, parameters }) => [name, parameters]));
  for (const [name, parameters] of asked) refuseSharedMemory(parameters, `output ${name}`);
  return {
    id: json.id,
    inputs,
    outputs: json.outputs && json.outputs.length > 0 ? [...asked.keys()] : null,
    classes: new Map(
      [...asked].flatMap(([name, parameters]) =>
        parameters?.classification === undefined ? [] : [[name, parameters.classification]],
      ),
    ),
    binary: new Map(
      [...asked].flatMap(([name, parameters]) =>
        parameters?.binary_data === undefined ? [] : [[name, parameters.binary_data]],
      ),
    ),
    binaryOutputs: json.parameters?.binary_data_output ?? false,
  };
}

function parseJson(bytes: Buffer): RequestJson {
  boundJson(bytes);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const hint = 'with tensors behind it, Inference-Header-Content-Length tells where it ends';
    const problem = (error as Error).message
      .replace(/^Unexpected end of JSON input/, 'it ends too early')
      .replace(/^Unexpected/, 'misplaced');
    throw new RequestError('invalid', `the body is not JSON (${problem}); ${hint}`);
  }
  const parsed = requestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const first = new z.ZodError(parsed.error.issues.slice(0, 1));
  const problem = z
    .prettifyError(first)
    .replace(/\s*\n\s*/g, ' ')
    .slice(0, LONGEST_PROBLEM);
  throw new RequestError('invalid', `the body is no inference request: ${problem}`);
}

function readInput(
  { name, shape, datatype, parameters, data }: RequestJson['inputs'][number],
  binary: BinaryParts,
) {
  const where = `input ${name}`;
  refuseSharedMemory(parameters, where);
  const dtype = parseDataType(datatype, where);
  const size = parameters?.binary_data_size;
  if (size !== undefined) {
    if (data !== undefined)
      throw new RequestError('invalid', `${where}: it has data and binary_data_size; give one`);
    return tensorFromBytes(dtype, shape, binary.next(size, where), where);
  }
  if (!Array.isArray(data)) throw new RequestError('invalid', `${where}: data must be a list of numbers`);
  return tensorFromValues(dtype, shape, data, where);
}

/** The bytes behind the JSON, taken in the order of the inputs. */
class BinaryParts {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  next(size: number, where: string): Uint8Array {
    const left = this.bytes.length - this.at;
    if (size > left)
      throw new RequestError(
        'invalid',
        `${where}: binary_data_size ${size}, but only ${left} bytes are left in the body`,
      );
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }

  finish(): void {
    const left = this.bytes.length - this.at;
    if (left > 0) throw new RequestError('invalid', `${left} bytes behind the JSON belong to no input`);
  }
}

/** The body of an answer; `headerLength` is null for JSON alone. */
export function writeRestResponse(
  { model, version, outputs }: Results,
  { id, binary, binaryOutputs }: Pick<RestRequest, 'id' | 'binary' | 'binaryOutputs'>,
): { body: Buffer; headerLength: number | null } {
  const parts: Uint8Array[] = [];
  const described = [...outputs].map(([name, tensor]) => {
    const isText = tensor.dtype === 'text';
    const head = { name, datatype: isText ? 'BYTES' : dataTypeName(tensor.dtype), shape: tensor.shape };
    if (!(binary.get(name) ?? binaryOutputs))
      return { ...head, data: isText ? tensor.data : tensorToValues(tensor, `output ${name}`) };
    const bytes = isText ? textBytes(tensor) : toBytes(tensor.data);
    parts.push(bytes);
    return { ...head, parameters: { binary_data_size: bytes.length } };
  });
  const json = Buffer.from(
    JSON.stringify({ model_name: model, model_version: version, id, outputs: described }),
  );
  return { body: Buffer.concat([json, ...parts]), headerLength: parts.length > 0 ? json.length : null };
}
