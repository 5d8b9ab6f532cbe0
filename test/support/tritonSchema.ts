/** Triton's schema of config.pbtxt (tools/reference/triton_schema.py): what of a text it would refuse. */
import { readFileSync } from 'node:fs';
import { parseTextFormat, type TextMessage, type TextValue } from '../../src/repository/textFormat';
import { fixture } from './paths';

interface SchemaField {
  readonly type: string;
  readonly repeated?: boolean;
  readonly oneof?: string;
}

interface Schema {
  readonly enums: Readonly<Record<string, readonly string[] | undefined>>;
  readonly messages: Readonly<Record<string, Readonly<Record<string, SchemaField | undefined>> | undefined>>;
}

const schema = JSON.parse(readFileSync(fixture('triton-model-config.json'), 'utf8')) as Schema;

const SCALARS: Readonly<Record<string, RegExp>> = {
  bool: /^(true|false)$/,
  string: /^/,
  int32: /^-?\d{1,10}$/,
  int64: /^-?\d{1,19}$/,
  uint32: /^\d{1,10}$/,
  uint64: /^\d{1,20}$/,
  float: /^-?\d+(\.\d+)?$/,
  double: /^-?\d+(\.\d+)?$/,
};

/** Unknown fields, values of another type, and fields given twice, with their places. */
export const schemaErrors = (text: string): string[] =>
  messageErrors(parseTextFormat(text, 'config.pbtxt'), 'ModelConfig', '');

function messageErrors(message: TextMessage, type: string, where: string): string[] {
  const fields = schema.messages[type] ?? {};
  const groups = new Set<string>();
  return [...message].flatMap(([name, values]) => {
    const at = `${where}${name}`;
    const field = fields[name];
    if (!field) return [`${at}: ${type} has no such field`];
    const errors = values.flatMap((value) => valueErrors(value, field, at));
    if (values.length > 1 && !field.repeated) errors.push(`${at}: given more than once`);
    if (field.oneof !== undefined && groups.has(field.oneof)) errors.push(`${at}: another ${field.oneof}`);
    if (field.oneof !== undefined) groups.add(field.oneof);
    return errors;
  });
}

function valueErrors(value: TextValue, { type }: SchemaField, at: string): string[] {
  if (schema.messages[type])
    return typeof value === 'string' ? [`${at}: must be ${type}`] : messageErrors(value, type, `${at}.`);
  const isGood =
    typeof value === 'string' && (schema.enums[type]?.includes(value) ?? SCALARS[type]?.test(value));
  return isGood ? [] : [`${at}: ${JSON.stringify(value)} is no ${type}`];
}
