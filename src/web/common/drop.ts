/** The files of a drop, folders included, by path. */
import { append } from '../../base/lists';
import type { LeftOut } from './words';

export interface PathFile {
  readonly path: string;
  readonly file: File;
}

/** What a person gave, and what of it the browser does not let the page read. */
export interface Given {
  readonly files: PathFile[];
  readonly leftOut: LeftOut[];
}

/** Call it in the drop's event itself: the list is empty afterwards. Never rejects. */
export async function droppedFiles(transfer: DataTransfer): Promise<Given> {
  const entries = Array.from(transfer.items, (item) =>
    item.kind === 'file' ? item.webkitGetAsEntry() : null,
  );
  const plain = Array.from(transfer.files, (file) => ({ path: file.name, file }));
  if (entries.every((entry) => entry === null)) return { files: plain, leftOut: [] };
  return together(await Promise.all(entries.flatMap((entry) => (entry ? [listEntry(entry)] : []))));
}

/** The files of an <input>, a folder's with their paths in it. */
export const chosenFiles = (input: HTMLInputElement): Given => ({
  files: Array.from(input.files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, file })),
  leftOut: [],
});

function together(parts: readonly Given[]): Given {
  return {
    files: parts.flatMap(({ files }) => files),
    leftOut: parts.flatMap(({ leftOut }) => leftOut),
  };
}

/** A file or a folder that cannot be read costs itself alone. */
async function listEntry(entry: FileSystemEntry): Promise<Given> {
  const path = entry.fullPath.replace(/^\//, '');
  try {
    if (!entry.isFile) return await listFolder(entry as FileSystemDirectoryEntry);
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    return { files: [{ path, file }], leftOut: [] };
  } catch {
    return { files: [], leftOut: [{ name: path, reason: 'the browser may not read it' }] };
  }
}

async function listFolder(folder: FileSystemDirectoryEntry): Promise<Given> {
  const reader = folder.createReader();
  const found: Given[] = [];
  // A reader gives a folder in parts, and an empty one after the last.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (part.length === 0) return together(found);
    append(found, await Promise.all(part.map(listEntry)));
  }
}
