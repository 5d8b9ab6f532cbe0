/** The files of a drop, folders included, by path. */
import { append } from '../../base/lists';

export interface PathFile {
  readonly path: string;
  readonly file: File;
}

/** Call it in the drop's event itself: the list is empty afterwards. */
export async function droppedFiles(transfer: DataTransfer): Promise<PathFile[]> {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry());
  const plain = Array.from(transfer.files, (file) => ({ path: file.name, file }));
  if (entries.every((entry) => entry === null)) return plain;
  return (await Promise.all(entries.flatMap((entry) => (entry ? [listEntry(entry)] : [])))).flat();
}

/** The files of an <input>, a folder's with their paths in it. */
export const chosenFiles = (input: HTMLInputElement): PathFile[] =>
  Array.from(input.files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, file }));

async function listEntry(entry: FileSystemEntry): Promise<PathFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    return [{ path: entry.fullPath.replace(/^\//, ''), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: PathFile[] = [];
  // A reader gives a folder in parts, and an empty one after the last.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (part.length === 0) return found;
    for (const inner of part) append(found, await listEntry(inner));
  }
}
