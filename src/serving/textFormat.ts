/** Protobuf's text format without a schema, as Triton's config.pbtxt has it. */
import { UserError } from '../errors';

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
      if (quoted) value += token.slice(1, -1).replace(/\\(.)/g, '$1');
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
