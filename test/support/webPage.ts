/** What tests of the page that trains share: small bundles, its site, and what it shows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { serve, type StaticServer } from '../../tools/verify/portable/server';
import { writeImageFolder } from './imageFolder';
import { repositoryRoot } from './paths';
import { selfie } from './selfie';

const TINY = ['--set', 'network.width=4', '--set', 'batch=8', '--set', 'schedule.warmupSteps=2'];

export interface TrainingSite {
  readonly folder: string;
  /** 24 images of 3 classes */
  readonly images: string;
  readonly server: StaticServer;
  /** of the page, opened on a classifier's bundle */
  readonly address: string;
  close(): Promise<void>;
}

/** A site of the page and of a small classifier's bundle; isolated, so that the page may use threads. */
export async function trainingSite(): Promise<TrainingSite> {
  const folder = mkdtempSync(path.join(tmpdir(), 'selfie-page-'));
  const images = path.join(folder, 'images');
  await writeImageFolder(images, 24, 3);
  const built = selfie(['build-graph', 'embedded-finetune', '--out', path.join(folder, 'fine'), ...TINY]);
  expect(built).toMatchObject({ code: 0 });
  const web = path.join(repositoryRoot, 'dist', 'web');
  const server = await serve({ web, bundles: folder }, { isolated: true });
  return {
    ...{ folder, images, server },
    address: `${server.address}/web/index.html?bundle=/bundles/fine/graph/`,
    close: async () => {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
