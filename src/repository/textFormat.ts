/** Protobuf's text format without a schema, as Triton's config.pbtxt has it: read and written. */
import { UserError } from '../base/errors';

export type TextValue = string | TextMessage;
/** Every field's values in their order: nothing says which of them may repeat. */
export type TextMessage = ReadonlyMap<string, readonly TextValue[]>;

const TOKEN = /\s+|#[^\n]*|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[\w.+-]+|[{}[\]<>:,;])/y;
const DEEPEST = 50;

/** Parses `text`; numbers and names stay strings. UserError that names `file` and the line. */
export function parseTextFormat(text: string, file: string): TextMessage {
  const tokens = tokenize(text, file);
  let at = 0;
  const fail = (expected: string): never => {
    const token = tokens.at(Math.min(at, tokens.length - 1));
    const where = token
      ? `line ${token.line}, ${at < tokens.length ? token.text : 'the end'}`
      : 'it is empty';
    throw new UserError(`${file}: ${where}: expected ${expected}`);
  };
  const peek = () => tokens[at]?.text;
  const accept = (...texts: string[]) => {
    const found = texts.includes(peek() ?? '');
    if (found) at++;
    return found;
  };

  const scalar = (): string => {
    let value = '';
    // Strings beside each other are one.
    for (let first = true; at < tokens.length; first = false, at++) {
      const { text: token } = tokens[at];
      const quoted = /^["']/.test(token);
      if (quoted) value += unescape(token.slice(1, -1));
      else if (first && /^[\w.+-]/.test(token)) value = token;
      else if (first) fail('a value');
      else break;
      if (!quoted) {
        at++;
        break;
      }
    }
    return value;
  };
  const value = (depth: number): TextValue => {
    if (accept('{')) return message('}', depth + 1);
    if (accept('<')) return message('>', depth + 1);
    return at < tokens.length ? scalar() : fail('a value');
  };
  const message = (end: string | null, depth: number): TextMessage => {
    if (depth > DEEPEST) fail('less nesting');
    const fields = new Map<string, TextValue[]>();
    while (end === null ? at < tokens.length : !accept(end)) {
      const name = peek() ?? fail(`${end}`);
      if (!/^[A-Za-z_]\w*$/.test(name)) fail('the name of a field');
      at++;
      const colon = accept(':');
      const values = fields.get(name) ?? [];
      fields.set(name, values);
      if (accept('[')) {
        while (!accept(']')) {
          values.push(value(depth));
          if (!accept(',') && peek() !== ']') fail(', or ]');
        }
      } else if (colon || peek() === '{' || peek() === '<') values.push(value(depth));
      else fail(': or {');
      accept(',', ';');
    }
    return fields;
  };
  return message(null, 0);
}

const ESCAPE = /\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|([^]))/g;
const CONTROL: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** What stands between the quotes. Escapes by number are bytes of UTF-8, as Python and C++ write them. */
function unescape(text: string): string {
  if (!text.includes('\\')) return text;
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const plain = bytes.replace(ESCAPE, (_, octal?: string, hex?: string, other?: string) => {
    if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8) & 255);
    if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
    return CONTROL[other ?? ''] ?? other ?? '';
  });
  return Buffer.from(plain, 'latin1').toString('utf8');
}

const isMessage = (value: TextValue | undefined): value is TextMessage =>
  value !== undefined && typeof value !== 'string';

/** All messages of that field, in their order. */
export const messagesOf = (from: TextMessage, field: string): TextMessage[] =>
  (from.get(field) ?? []).filter(isMessage);

/** The last scalar of that field, as it is written but for quotes; null: there is none. */
export function textOf(from: TextMessage, field: string): string | null {
  const value = from.get(field)?.at(-1);
  return typeof value === 'string' ? value : null;
}

/** All scalars of that field, in their order. */
export const textsOf = (from: TextMessage, field: string): string[] =>
  (from.get(field) ?? []).filter((value) => typeof value === 'string');

/** A value that is written without quotes: of an enumeration. */
export class Name {
  constructor(readonly text: string) {}
}

/** A field to be written; a list is a repeated one, a string is quoted. */
export type Field = string | number | boolean | Name | Fields | readonly Field[];
export interface Fields {
  readonly [name: string]: Field;
}

/** The text of a message, a line for each field and for each message in it. */
export const formatTextFormat = (message: Fields): string => `${lines(message, '').join('\n')}\n`;

const isFields = (field: Field): field is Fields =>
  typeof field === 'object' && !Array.isArray(field) && !(field instanceof Name);

function lines(message: Fields, indent: string): string[] {
  return Object.entries(message).flatMap(([name, field]) => {
    if (isFields(field)) return block(`${indent}${name} {`, field, indent);
    if (!Array.isArray(field)) return [`${indent}${name}: ${scalar(field)}`];
    const items = field as readonly Field[];
    if (items.some(isFields))
      return items.filter(isFields).flatMap((item) => block(`${indent}${name} {`, item, indent));
    return [`${indent}${name}: [${items.map(scalar).join(', ')}]`];
  });
}

function block(head: string, message: Fields, indent: string): string[] {
  const inner = lines(message, `${indent}  `);
  return inner.length === 0 ? [`${head}}`] : [head, ...inner, `${indent}}`];
}

function scalar(field: Field): string {
  if (field instanceof Name) return field.text;
  if (typeof field !== 'string') return JSON.stringify(field);
  const escaped = field.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r');
  return `"${escaped}"`;
}

function tokenize(text: string, file: string): { text: string; line: number }[] {
  const tokens: { text: string; line: number }[] = [];
  const token = new RegExp(TOKEN);
  let line = 1;
  while (token.lastIndex < text.length) {
    const from = token.lastIndex;
    const match = token.exec(text);
    if (!match) throw new UserError(`${file}: line ${line}: ${text[from]} has no meaning here`);
    if (match[1] !== undefined) tokens.push({ text: match[1], line });
    line += match[0].split('\n').length - 1;
  }
  return tokens;
}
