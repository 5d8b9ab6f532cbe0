/** Which of the dropped files are images, in which order, of which class: as the reader of `folder:PATH` has it. */
import { append } from '../../base/lists';
import { isSplit, isTraining } from '../../data/sources/splitNames';
import type { LeftOut } from '../common/words';

/** What decoders of browsers know, each its own part of it; which of them it reads shows when it tries. */
const IMAGE = /\.(jpe?g|jpe|jfif|pjpe?g|pjp|a?png|webp|avif|gif|bmp|dib|ico|cur|jxl|heic|heif|tiff?|svg)$/i;

export interface Listed<File> {
  readonly files: readonly { readonly path: string; readonly file: File }[];
  /** by file; null: unlabelled */
  readonly labels: readonly number[] | null;
  readonly classes: readonly string[] | null;
  /** what is no image by its name or type, or not in `train/` where that is; dot files are not named */
  readonly passed: readonly LeftOut[];
}

/**
 * `path` is relative to what was dropped, with `/`. A folder that everything lies in does not count; where there is `train/` (`Train`, `training`),
 * the images are those in it. Folders are classes where no image lies beside them. Dot files are left out.
 */
export function listImages<File extends { readonly type?: string } | string>(
  dropped: readonly { path: string; file: File }[],
): Listed<File> {
  const seen = dropped
    .map(({ path, file }) => ({ path, file, names: path.split('/').filter((name) => name !== '') }))
    .filter(({ names }) => names.length > 0 && !names.some((name) => name.startsWith('.')));
  const passed = seen
    .filter((part) => !isImage(part))
    .map(({ path }) => ({ name: path, reason: 'no image by its name' }));
  let parts = seen.filter(isImage);
  parts = inside(parts);
  const isTrained = ({ names }: { names: string[] }) => names.length > 1 && isTraining(names[0]);
  if (parts.some(isTrained)) {
    const others = parts.filter((part) => !isTrained(part));
    append(
      passed,
      others.map(({ path }) => ({ name: path, reason: 'not in train/' })),
    );
    parts = parts.filter(isTrained).map((part) => ({ ...part, names: part.names.slice(1) }));
  }
  parts.sort((a, b) => inFolderOrder(a.names, b.names));
  const files = parts.map(({ path, file }) => ({ path, file }));
  if (parts.length === 0 || parts.some(({ names }) => names.length === 1))
    return { files, labels: null, classes: null, passed };
  const classes = [...new Set(parts.map(({ names }) => names[0]))].sort();
  return { files, labels: parts.map(({ names }) => classes.indexOf(names[0])), classes, passed };
}

const isImage = ({ path, file }: { path: string; file: { readonly type?: string } | string }) =>
  IMAGE.test(path) || (typeof file === 'object' && file.type?.startsWith('image/') === true);

/** Without the one folder around everything. */
function inside<Part extends { names: string[] }>(parts: Part[]): Part[] {
  const roots = new Set(parts.map(({ names }) => (names.length > 1 ? names[0] : '')));
  if (roots.size !== 1 || roots.has('') || [...roots].some(isSplit)) return parts;
  return parts.map((part) => ({ ...part, names: part.names.slice(1) }));
}

/** A folder's images before its folders, each by UTF-16 code units. */
function inFolderOrder(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((name, i) => name !== b[i]);
  const [aIsFile, bIsFile] = [at === a.length - 1, at === b.length - 1];
  if (aIsFile !== bIsFile) return aIsFile ? -1 : 1;
  return a[at] < b[at] ? -1 : 1;
}
