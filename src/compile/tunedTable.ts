/** The file that `selfie tune` writes and `build-graph --tuned` reads: which implementation was the fastest for which shapes. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { PROVIDERS } from '../base/providers';
import { fileError } from '../base/files';
import { UserError } from '../base/errors';

const entrySchema = z.strictObject({
  /** name of the fastest way */
  fastest: z.string(),
  /** signature of each node -> name of its implementation */
  implementations: z.record(z.string(), z.string()),
  /** the ways that were timed, the rule table's first: milliseconds of forward and gradients, the best of all runs */
  milliseconds: z.record(z.string(), z.number().positive()),
});

const tableSchema = z.strictObject({
  formatVersion: z.literal(2),
  /** where it was measured */
  provider: z.enum(PROVIDERS),
  runtime: z.string(),
  processor: z.string(),
  threads: z.number().int().positive(),
  entries: z.array(entrySchema),
});

export type TunedEntry = z.infer<typeof entrySchema>;
export type TunedTable = z.infer<typeof tableSchema>;

/** Throws a UserError that names the file and the key where it is no such table. */
export function readTable(file: string): TunedTable {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new UserError(`${file}: not JSON (${error.message})`);
    throw fileError('read', file, error);
  }
  return parseTable(content, file);
}

/** `where` is for messages. Throws a UserError that names the key where `content` is no such table. */
export function parseTable(content: unknown, where: string): TunedTable {
  const { data, error } = tableSchema.safeParse(content);
  if (!data) {
    const [{ path, message }] = error.issues;
    throw new UserError(`${where}: ${path.join('.') || 'the file'}: ${message}; write it with selfie tune`);
  }
  return data;
}

/** Signature of a node -> name of its implementation, as the lowering takes it. */
export const choicesOf = ({ entries }: TunedTable): Map<string, string> =>
  new Map(entries.flatMap(({ implementations }) => Object.entries(implementations)));

/** Where a table was measured. */
export type Machine = Pick<TunedTable, 'provider' | 'runtime' | 'processor' | 'threads'>;

const KEYS = ['provider', 'runtime', 'processor', 'threads'] as const;

/** A phrase for each way in which the table was measured elsewhere. */
export const differences = (table: TunedTable, here: Partial<Machine>): string[] =>
  KEYS.filter((key) => here[key] !== undefined && table[key] !== here[key]).map(
    (key) => `${key} ${table[key]}, not ${here[key]}`,
  );

const shapesOf = ({ implementations }: TunedEntry) => Object.keys(implementations).join();

/** The entries of both; of the same shapes those of `added`. */
export function mergeTables(table: TunedTable, added: TunedTable): TunedTable {
  const replaced = new Set(added.entries.map(shapesOf));
  const kept = table.entries.filter((entry) => !replaced.has(shapesOf(entry)));
  return { ...added, entries: [...kept, ...added.entries] };
}
