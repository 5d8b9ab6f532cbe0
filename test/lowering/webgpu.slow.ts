/**
 * Training on WebGPU agrees with the CPU: tiny networks of both tasks on a software Vulkan driver. Each case is a process of its
 * own, since the driver is chosen by an environment variable that must be there when the process starts.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../support/paths';
import type { WebgpuReport } from './webgpuChild';

/** SwiftShader as Debian's chromium carries it, then Mesa's lavapipe; a driver that is set already wins. */
const DRIVERS = [
  process.env.VK_DRIVER_FILES,
  process.env.VK_ICD_FILENAMES,
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json',
];
const driver = DRIVERS.find((file) => file !== undefined && existsSync(file));

const STEPS = 5;
/** Float32 sums in another order, five updates long. */
const TOLERANCE = { loss: 1e-4, firstState: 1e-4, lastState: 1e-3 };

function runCase(name: string, dropout: number): WebgpuReport {
  const child = path.join(repositoryRoot, 'dist', 'test', 'lowering', 'webgpuChild.js');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [child, name, String(STEPS), String(dropout)],
    {
      encoding: 'utf8',
      env: { ...process.env, VK_DRIVER_FILES: driver },
    },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as WebgpuReport;
}

const cases: readonly (readonly [string, number])[] = [
  ['finetune-v1', 0],
  ['pretrain-v1', 0.1],
];

const describeWebgpu = driver === undefined ? describe.skip : describe;
const where = driver ?? 'no Vulkan driver here: install chromium or mesa-vulkan-drivers and libvulkan1';

describeWebgpu(`WebGPU (${where})`, () => {
  test.each(cases)('%s, dropout %d: one step and five agree with the CPU', (name, dropout) => {
    const { losses, worst, placement } = runCase(name, dropout);
    expect(losses.webgpu).toHaveLength(STEPS);
    losses.webgpu.forEach((loss, i) =>
      expect(Math.abs(loss / losses.cpu[i] - 1)).toBeLessThan(TOLERANCE.loss),
    );
    expect(worst[0].distance).toBeLessThan(TOLERANCE.firstState);
    expect(worst[1].distance).toBeLessThan(TOLERANCE.lastState);
    // The state stays in the device's buffers and the images' way into the network does too.
    expect(placement.join('\n')).toMatch(/ Conv +\d+ {2}WebGpuExecutionProvider/);
    expect(placement.join('\n')).not.toMatch(/\* (Conv|ConvTranspose|MatMul|Gemm|ReduceMean|MaxPool) /);
  });
});
