/** The patch task of a pretraining run on images that come in: pictures as `selfie inspect` draws them. */
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import pLimit from 'p-limit';
import { UserError } from '../../base/errors';
import { readBundle } from '../../bundle/read';
import { patchTask } from '../../draw/patches';
import { askPatches } from '../../evaluation/askPatches';
import { patchPicture } from '../../draw/patchPicture';
import { pixelsUri } from '../../draw/png';
import { standalone } from '../../draw/theme';
import { decoding, requireImage } from './imageInput';
import { RequestError } from '../protocol/requestError';

/** Each makes a session of its own. */
const AT_ONCE = 1;
const WAITING = 8;

export class PatchPictures {
  private readonly limit = pLimit(AT_ONCE);

  /** @param folder for temporary files */
  constructor(
    private readonly run: string,
    private readonly folder: string,
    private readonly threads: number,
  ) {}

  /** The picture as SVG, `inPage`: with the page's colours by name; `seed` says which places are hidden. RequestError for what is no image and where too many wait. */
  async draw(bytes: Buffer, seed: number, inPage: boolean): Promise<string> {
    const pixels = await requireImage(bytes, readBundle(this.run).manifest.recipe.image);
    if (this.limit.pendingCount >= WAITING)
      throw new RequestError('queueFull', `${WAITING} pictures are asked for already; try again later`);
    return this.limit(async () => {
      const file = path.join(this.folder, randomUUID());
      try {
        writeFileSync(file, bytes);
        const ask = () => askPatches({ directory: this.run, image: file, seed, threads: this.threads });
        const answer = await decoding(pixels, ask);
        const picture = await patchPicture(patchTask(answer), `hidden places of seed ${seed}`, pixelsUri);
        return inPage ? picture : standalone(picture);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        throw new RequestError('invalid', error.message.replaceAll(file, 'the image'));
      } finally {
        rmSync(file, { force: true });
      }
    });
  }
}
