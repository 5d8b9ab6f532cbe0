/** Waiting for something to happen, as long as it takes: jest's own limit is the end. */
import { setTimeout as wait } from 'node:timers/promises';

/** Asks again every few milliseconds. */
export async function until(happened: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await happened())) await wait(5);
}
