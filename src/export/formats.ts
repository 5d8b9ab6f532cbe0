/** The formats of `selfie export --to`, and which options each takes. */
import { UserError } from '../base/errors';

const COMMON = ['checkpoint', 'license'] as const;
const MODEL = [...COMMON, 'kind', 'precision', 'opset', 'data', 'images', 'workers'] as const;
type Option = (typeof MODEL)[number] | 'input' | 'map';

interface Format {
  readonly describe: string;
  readonly takes: readonly Option[];
}

const FORMATS = {
  onnx: { describe: 'an ONNX model', takes: [...MODEL, 'input', 'map'] },
  safetensors: { describe: 'the weights by the names that torchvision has for them', takes: COMMON },
  hub: {
    describe: 'a folder for the Hugging Face Hub, with its model card',
    takes: [...MODEL, 'map'],
  },
  'model-repository': {
    describe: 'the next version of a model in a repository for servers',
    // its own command says why there is no --input
    takes: [...MODEL, 'map', 'input'],
  },
  web: { describe: 'a folder for any web server: a page that runs the model in the browser', takes: MODEL },
} satisfies Record<string, Format>;

export type ExportFormat = keyof typeof FORMATS;
export const EXPORT_FORMATS = Object.keys(FORMATS) as ExportFormat[];

export const describeFormats = () =>
  EXPORT_FORMATS.map((name) => `${name}: ${FORMATS[name].describe}`).join('; ');

/** Throws a UserError that names the first option given (not undefined) that says nothing with this format. */
export function requireOptions(
  format: ExportFormat,
  given: Partial<Readonly<Record<Option, unknown>>>,
): void {
  const takes: readonly Option[] = FORMATS[format].takes;
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || takes.includes(name as Option)) continue;
    const list = takes.map((each) => `--${each}`).join(', ');
    throw new UserError(`--${name}: says nothing with --to ${format}, which takes ${list}`);
  }
  for (const name of ['images', 'workers'] as const) {
    if (given[name] !== undefined && given.data === undefined)
      throw new UserError(`--${name}: says nothing without --data SOURCE`);
  }
}
