/** `--to model-repository` of `selfie export`: its options' checks and what it prints. */
import {
  exportRepository,
  type RepositoryOptions,
  type RepositoryReport,
} from '../export/repository/exportRepository';
import { UserError } from '../base/errors';
import { formatExport } from './formatExport';

const OWN = { name: '--name', storageUri: '--storage-uri' } as const;

/** UserError for options of the repository where something else is written. */
export function refuseRepositoryOptions(options: Partial<Record<keyof typeof OWN, string>>): void {
  for (const [key, option] of Object.entries(OWN))
    if (options[key as keyof typeof OWN] !== undefined)
      throw new UserError(`${option}: it belongs to --to model-repository`);
}

export async function runExportRepository(
  { input, ...options }: RepositoryOptions & { readonly input?: string },
  warn: (line: string) => void,
): Promise<string> {
  if (input !== undefined)
    throw new UserError(
      `--input ${input}: a model repository has its own two, NAME for normalized float images and NAME_photo for uint8 ones of any size; leave it out`,
    );
  return formatRepository(options.out, await exportRepository(options, warn));
}

export function formatRepository(out: string, report: RepositoryReport): string {
  const { names, version, model, photoError } = report;
  return [
    formatExport({ ...model, file: `${out}/${names.model}, version ${version}` }),
    `${out}/${names.photo}, version ${version}: ${names.preprocess} and then ${names.model}, on the same images ` +
      `(largest difference ${photoError.toExponential(1)})`,
  ].join('\n');
}
