/** An exported model repository behind `selfie serve`: photographs through its ensemble, and its own smoke requests. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { exportRepository } from '../../src/export/repository/exportRepository';
import { get, post, withServer } from '../support/serving';
import { inTemporaryFolder } from '../support/temporary';
import { CLASSES, writeSmallRun } from '../support/smallRun';

/** Runs smoke.sh while this process serves. */
async function smoke(
  repository: string,
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn('sh', [path.join(repository, 'smoke.sh'), ...args]);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, stdout, stderr };
}

const curl = spawnSync('curl', ['--version']).status === 0;
if (!curl) process.stderr.write('skipped: the smoke requests need curl\n');

(curl ? test : test.skip)('photographs, smoke requests, a new version', () =>
  inTemporaryFolder(async (folder) => {
    const directory = path.join(folder, 'pets');
    const { checkpoint } = writeSmallRun(directory, 'finetune');
    const out = path.join(folder, 'repository');
    await exportRepository({ directory, out });
    await withServer(out, { allowedHosts: ['pets.example.org'] }, async ({ url, reload }) => {
      expect((await get(`${url}/v2/models/pets_photo`)).json).toMatchObject({
        platform: 'ensemble',
        inputs: [{ name: 'image', datatype: 'UINT8', shape: [-1, -1, -1, 3] }],
        outputs: [
          { name: 'embedding', shape: [-1, 32] },
          { name: 'logits', shape: [-1, 3] },
          { name: 'probabilities', shape: [-1, 3] },
        ],
      });
      const passed = await smoke(out, url);
      expect(passed).toMatchObject({ code: 0, stderr: '' });
      expect(passed.stdout).toMatch(
        /^pets: 3 values of probabilities, off by .*\npets_photo: 3 values of probabilities/,
      );
      expect(await smoke(out, url, 'pets.example.org')).toMatchObject({ code: 0 });

      const pixels = Uint8Array.from({ length: 90 * 60 * 3 }, (_, i) => (i * i) % 255);
      const png = sharp(pixels, { raw: { width: 90, height: 60, channels: 3 } }).png();
      const bytes = await png.toBuffer();
      const classes = async (model: string) => {
        const { json } = await post(`${url}/classify?model=${model}`, bytes);
        const found = json.classes as { name: string; probability: number }[];
        return new Map(found.map(({ name, probability }) => [name, probability]));
      };
      const [direct, chained] = [await classes('pets'), await classes('pets_photo')];
      for (const name of CLASSES) expect(chained.get(name)).toBeCloseTo(direct.get(name) ?? NaN, 4);

      checkpoint(20);
      await exportRepository({ directory, out });
      await reload();
      for (const model of ['pets', 'pets_photo', 'pets_preprocess'])
        expect((await get(`${url}/v2/models/${model}`)).json.versions).toEqual(['2']);
      expect(await smoke(out, url)).toMatchObject({ code: 0 });

      const answer = path.join(out, 'pets', 'smoke-answer.txt');
      const [head, ...values] = readFileSync(answer, 'utf8').trim().split('\n');
      writeFileSync(answer, `${[head, ...values.map((value) => String(Number(value) + 0.2))].join('\n')}\n`);
      const failed = await smoke(out, url);
      expect(failed).toMatchObject({
        code: 1,
        stderr: 'FAILED: pets gives another answer than smoke-answer.txt\n',
      });
      expect(failed.stdout).toMatch(/^pets: probabilities is off by 0.2/);
    });
    const { code, stderr } = await smoke(out, 'http://127.0.0.1:1');
    expect(code).toBe(1);
    expect(stderr).toContain('FAILED: http://127.0.0.1:1/v2/health/ready does not answer');
  }),
);
