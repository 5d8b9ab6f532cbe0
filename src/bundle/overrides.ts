/** `--set a.b=value` and the recipe's keys. */
import { z } from 'zod';
import { UserError } from '../base/errors';
import { didYouMean } from '../base/suggest';
import { recipeSchema } from './recipe';

const RESOLVED: Readonly<Record<string, unknown>> = recipeSchema.parse({ task: 'pretrain' });

/** Every key of a recipe, dotted (`task`, `image.size`, ...), with its default, `task`'s value, or undefined without one. */
const DEFAULTS: ReadonlyMap<string, unknown> = new Map(
  Object.entries(recipeSchema.shape).flatMap(([name, schema]): [string, unknown][] => {
    if (!(schema instanceof z.ZodPrefault)) return [[name, RESOLVED[name]]];
    const section = RESOLVED[name] as Readonly<Record<string, unknown>>;
    return Object.keys(schema.unwrap().shape).map((key) => [`${name}.${key}`, section[key]]);
  }),
);

/** Every key of a recipe, dotted: `task`, `image.size`, ... */
export const RECIPE_KEYS: readonly string[] = [...DEFAULTS.keys()];

/** The value behind `=`: JSON where it parses as JSON, else the text itself. */
export function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What `text` means for `key`: a list may be written without brackets, as `3,4,6` or one value alone. */
function valueOf(key: string, text: string): unknown {
  const value = parseValue(text);
  if (!Array.isArray(DEFAULTS.get(key)) || typeof value === 'object') return value;
  return text.split(',').map((part) => parseValue(part.trim()));
}

/** A copy of `input` with each `a.b=value` put in; a later one wins. Values are not checked here, keys are. */
export function applyOverrides(input: object, overrides: readonly string[]): object {
  const result: Record<string, unknown> = { ...input };
  for (const override of overrides) {
    const equals = override.indexOf('=');
    if (equals < 1) throw new UserError(`--set ${override}: expected key=value, such as network.width=16`);
    const key = override.slice(0, equals).trim();
    if (!RECIPE_KEYS.includes(key)) throw new UserError(`--set ${override}: ${unknownKey(key)}`);
    const value = valueOf(key, override.slice(equals + 1));
    const [section = key, name] = key.split('.');
    if (name === undefined) result[section] = value;
    else result[section] = { ...asObject(result[section]), [name]: value };
  }
  return result;
}

/** `unknown key network.widht; did you mean network.width?`, or for a section the keys in it. */
export function unknownKey(key: string): string {
  const inside = RECIPE_KEYS.filter((known) => known.startsWith(`${key}.`));
  if (inside.length > 0) return `${key} is a section; set one of ${inside.join(', ')}`;
  return `unknown key ${key}${didYouMean(key, RECIPE_KEYS)}`;
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
