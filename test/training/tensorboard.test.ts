/** TensorBoard's event files against those of its own writer. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TensorBoardWriter } from '../../src/training/tensorboard';

/**
 * Two records by Python's tensorboard 2.x (RecordWriter): file_version 'brain.Event:2', and step 7 with loss 0.5 and
 * accuracy 0.25, both at wall_time 1.5.
 */
const STORED =
  '1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c2b00000000000000861bc34b09000000' +
  '000000f83f10072a1e0a0b0a046c6f7373150000003f0a0f0a086163637572616379150000803ea53a5519';

test('the same bytes as Python’s writer; a resumed run sorts behind and says where it starts', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'selfie-events-'));
  try {
    const first = new TensorBoardWriter(folder, 0, 1500);
    first.write(7, { loss: 0.5, accuracy: 0.25 }, 1500);
    first.close();
    const second = new TensorBoardWriter(folder, 7, 1500);
    second.close();
    const [a, b, ...more] = readdirSync(folder).sort();
    expect(more).toEqual([]);
    expect(readFileSync(path.join(folder, a)).toString('hex')).toBe(STORED);
    // field 2 (step): 8; field 7 (session_log): field 1 (status): 1 (START)
    expect(readFileSync(path.join(folder, b)).toString('hex')).toContain('10083a020801');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
