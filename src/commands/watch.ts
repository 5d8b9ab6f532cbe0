/** `selfie watch DIR` */
import { snapshots, watch } from '../report/watch';
import { watchView } from '../report/watchView';
import { defineCommand, directory, print } from './command';

/** Characters of a snapshot that goes to no terminal. */
const PLAIN = { columns: 100, rows: 32, colour: false };

export const watchCommand = defineCommand({
  name: 'watch',
  describe: 'show a running job in the terminal: progress, curves, pace; q ends the view, not the job',
  examples: [
    ['watch models/mini', 'until the run ends'],
    ['watch models/mini --once', 'one picture'],
  ],
  positionals: { dir: directory },
  options: {
    once: {
      type: 'boolean',
      default: false,
      describe: 'show it once (where the output is no terminal: always)',
    },
  },
  run: async ({ dir, once }) => {
    const { stdout, stdin } = process;
    const colour = stdout.isTTY && stdout.hasColors();
    if (stdout.isTTY && !once) {
      await watch(dir, stdout, stdin, colour);
      return;
    }
    const settings = stdout.isTTY ? { ...PLAIN, columns: stdout.columns || PLAIN.columns, colour } : PLAIN;
    watchView(snapshots(dir)(), settings).forEach((line) => print(line));
  },
});
