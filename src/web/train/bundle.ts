/** A bundle in a browser: fetched from an address or dropped as files. */
import { imageShape } from '../../bundle/imageShape';
import type { Manifest } from '../../bundle/manifest';
import { parseManifest } from '../../bundle/parseManifest';
import { UserError } from '../../base/errors';
import { messageOf } from '../common/words';
import type { ReadFile } from './session';

export interface WebBundle {
  readonly manifest: Manifest;
  readonly read: ReadFile;
}

const MANIFEST = 'manifest.json';

/** `address`: of the folder that has manifest.json. UserError where there is none. */
export async function fetchBundle(address: string): Promise<WebBundle> {
  const folder = address.endsWith('/') ? address : `${address}/`;
  return openBundle(folder, async (name) => {
    const response = await fetch(folder + name).catch((error: unknown) => {
      throw new UserError(`${folder}${name}: ${messageOf(error)}`, { cause: error });
    });
    if (!response.ok) throw new UserError(`${folder}${name}: ${response.status} ${response.statusText}`);
    return new Uint8Array(await response.arrayBuffer());
  });
}

/** Files by path. Null where none of them is a manifest: not a bundle. UserError where it is damaged. */
export async function droppedBundle(files: ReadonlyMap<string, Blob>): Promise<WebBundle | null> {
  const manifest = [...files.keys()].find((path) => path.split('/').pop() === MANIFEST);
  if (manifest === undefined) return null;
  const folder = manifest.slice(0, -MANIFEST.length);
  return openBundle(folder, async (name) => {
    const file = files.get(folder + name);
    if (!file) throw new UserError(`${folder}${name}: missing from the bundle that was dropped`);
    return readFile(folder + name, file);
  });
}

/** A file that a person gave. UserError that names it where it changed or went since, or may not be read. */
export async function readFile(name: string, file: Blob): Promise<Uint8Array> {
  const bytes = await file.arrayBuffer().catch((error: unknown) => {
    throw new UserError(`${name}: the browser cannot read it: ${messageOf(error)}`, { cause: error });
  });
  return new Uint8Array(bytes);
}

async function openBundle(folder: string, read: ReadFile): Promise<WebBundle> {
  const manifest = parseManifest(folder + MANIFEST, new TextDecoder().decode(await read(MANIFEST)));
  if (manifest.recipe.consistency.ratio > 0)
    throw new UserError(
      `${manifest.recipeName}: this page has no unlabelled images; build it with consistency.ratio=0`,
    );
  const { channels, bits } = imageShape(manifest.recipe.image);
  if (bits === 16 || (channels !== 1 && channels !== 3))
    throw new UserError(
      `${manifest.recipeName}: browsers decode pictures of gray or RGB with 8 bits; build it with image.channels=1 or 3 and image.bits=8`,
    );
  return { manifest, read };
}
