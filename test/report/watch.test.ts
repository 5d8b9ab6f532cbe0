/** The terminal view: curves of characters, the state of a job, and what fits on the screen. */
import { bar, braillePlot, resample } from '../../src/draw/braille';
import { halfBlocks, kittyImage, terminalKind } from '../../src/draw/terminalImage';
import { jobState, secondsPerStep, watchView, type Snapshot } from '../../src/report/watchView';

test('braille: one dot a value, two a character, connected', () => {
  expect(braillePlot([0, 1, 2, 3], 2, 1)).toEqual(['⡠⠊']);
  expect(braillePlot([0, 3], 1, 1)).toEqual(['⡸']);
  expect(braillePlot([], 2, 1)).toEqual(['⠀⠀']);
  expect(braillePlot([5, 5], 1, 1)).toEqual(['⣀']);
  expect(braillePlot([9, -9], 1, 2, [0, 1]).join('')).toHaveLength(2);
});

test('bars and means', () => {
  expect(bar(0.5, 4)).toBe('██░░');
  expect(bar(0.53125, 4)).toBe('██▏░');
  expect(bar(7, 2)).toBe('██');
  expect(resample([1, 3, 5, 7], 2)).toEqual([2, 6]);
});

const job = (done: number, more: Partial<Snapshot> = {}): Snapshot => ({
  name: 'mini',
  recipe: 'cifar10-mini-pretrain',
  lines: Array.from({ length: done }, (_, i) => ({
    step: i + 1,
    epoch: 0,
    loss: 2 - i / 200,
    accuracy: 0.25 + i / 400,
    learning_rate: 0.004,
    images_per_second: 320,
    data_wait: 0.01,
    elapsed_seconds: (i + 1) / 5,
  })),
  validation: [],
  damaged: [],
  steps: 200,
  chance: 0.25,
  checkpointStep: 80,
  silentSeconds: 1,
  ...more,
});

test('states', () => {
  expect(jobState(job(0, { silentSeconds: null }))).toBe('not started');
  expect(jobState(job(100))).toBe('running');
  expect(jobState(job(100, { silentSeconds: 300 }))).toBe('silent');
  expect(jobState(job(200, { silentSeconds: 300 }))).toBe('finished');
  expect(secondsPerStep(job(100).lines)).toBeCloseTo(0.2, 9);
  expect(secondsPerStep(job(1).lines)).toBeNull();
});

test('a running job in 80 columns', () => {
  const lines = watchView(job(100, { damaged: ['metrics.jsonl: line 7 is damaged'] }), {
    columns: 80,
    rows: 24,
    colour: false,
  });
  expect(lines[0]).toBe('mini  cifar10-mini-pretrain  running');
  expect(lines[1]).toContain('step 100/200  50 %  epoch 0  20s so far, 20s left');
  const text = lines.join('\n');
  for (const part of ['loss 1.6275', 'accuracy 43.6 % (chance 25.0 %)', 'lr 0.00400', '320 images/s'])
    expect(text).toContain(part);
  for (const part of ['data wait 1.0 %', 'checkpoint of step 80', 'line 7 is damaged; what follows'])
    expect(text).toContain(part);
  expect(lines.length).toBeLessThanOrEqual(24);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(text).toContain('images/s\n');
});

test('what is measured now and then: its last values, and curves from the second value on', () => {
  const plain = job(100);
  const probed = (steps: number[]) =>
    plain.lines.map((line) =>
      steps.includes(line.step)
        ? {
            ...line,
            knn_accuracy: line.step / 200,
            linear_accuracy: 0.5,
            embedding_spread: 0.4,
            embedding_rank: 9,
          }
        : line,
    );
  const validation = [50, 100].map((step) => ({
    step,
    count: 9,
    loss: 1.5,
    accuracy: step / 1000,
    top5: null,
  }));
  const view = (more: Partial<Snapshot>, rows = 80) =>
    watchView({ ...plain, ...more }, { columns: 100, rows, colour: false }).join('\n');
  expect(view({})).not.toMatch(/kNN|validation|linear|spread/);
  const all = view({ lines: probed([40, 80]), validation });
  for (const part of ['kNN 40.0 % (step 80)', 'linear probe 50.0 % (step 80)', 'spread 0.400, rank 9.0'])
    expect(all).toContain(part);
  expect(all).toContain('validation 10.0 %, loss 1.5000 (step 100)');
  for (const title of ['kNN accuracy', 'validation accuracy', 'linear probe accuracy', 'validation loss'])
    expect(all).toContain(`${title}\n`);
  // the later of two values fills the right half of the hundred steps
  expect(all).toMatch(/40 % *\u2800{20}.*\n/);
  expect(view({ lines: probed([40]) })).not.toContain('kNN accuracy');
  expect(view({ lines: probed([40, 80]), validation }, 24)).not.toContain('validation accuracy\n');
});

test.each([
  [20, 3],
  [40, 10],
  [200, 60],
])('it stays inside %i x %i characters', (columns, rows) => {
  for (const done of [0, 1, 2, 150, 200]) {
    const lines = watchView(job(done), { columns, rows, colour: false });
    expect(lines.length).toBeLessThanOrEqual(rows);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
  }
});

test('which pictures a terminal can show', () => {
  expect(terminalKind({ TERM: 'xterm-kitty' }, true, 2 ** 24)).toBe('kitty');
  expect(terminalKind({ TERM_PROGRAM: 'iTerm.app' }, true, 2 ** 24)).toBe('iterm2');
  expect(terminalKind({ TERM: 'tmux-256color', TMUX: 'x', KITTY_WINDOW_ID: '1' }, true, 256)).toBe(
    'blocks256',
  );
  expect(terminalKind({ TERM: 'xterm' }, true, 2 ** 24)).toBe('blocks');
  expect(terminalKind({ TERM: 'xterm' }, true, 16)).toBe('text');
  expect(terminalKind({ TERM: 'xterm-kitty' }, false, 1)).toBe('text');
});

test('half blocks and the pieces of kitty', () => {
  const pixels = Uint8Array.of(255, 0, 0, 0, 0, 255);
  expect(halfBlocks(pixels, 1, 2, true)).toEqual(['\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[0m']);
  expect(halfBlocks(pixels, 1, 2, false)).toEqual(['\x1b[38;5;196;48;5;21m▀\x1b[0m']);
  const image = kittyImage(Buffer.alloc(6000), 80);
  const pieces = image.split('\x1b_G').slice(1);
  expect(pieces.map((piece) => piece.slice(0, piece.indexOf(';')))).toEqual(['a=T,f=100,c=80,m=1', 'm=0']);
});
