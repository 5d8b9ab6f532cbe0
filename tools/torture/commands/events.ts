/** TensorBoard's event files as TensorBoard shows them: the scalars of each step, without their clocks. */
import { Event, START } from '../../../src/training/tensorboard';

interface EventFields {
  readonly step?: number | { toNumber(): number };
  readonly summary?: { readonly value?: readonly { readonly tag: string; readonly simple_value: number }[] };
  readonly session_log?: { readonly status: number };
}

const CLOCKS = ['images_per_second', 'data_wait', 'elapsed_seconds'];

/** One line a step, of the files in their order: a START drops what is known of its step and later ones. */
export function eventsOf(files: readonly Buffer[]): string {
  const steps = new Map<number, string>();
  for (const bytes of files) {
    for (const { step: at = 0, summary, session_log: log } of records(bytes)) {
      const step = typeof at === 'number' ? at : at.toNumber();
      if (log?.status === START)
        for (const known of [...steps.keys()]) if (known >= step) steps.delete(known);
      const values = summary?.value?.filter(({ tag }) => !CLOCKS.includes(tag)) ?? [];
      if (values.length > 0)
        steps.set(step, values.map((each) => `${each.tag} ${each.simple_value}`).join(', '));
    }
  }
  return [...steps]
    .sort(([a], [b]) => a - b)
    .map((line) => line.join(': '))
    .join('\n');
}

/** Whole records; a last one that was cut off is passed over, as TensorBoard does. */
function* records(bytes: Buffer): Generator<EventFields> {
  for (let at = 0; at + 16 <= bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    const end = at + 12 + length;
    if (end + 4 > bytes.length) return;
    yield Event.decode(bytes.subarray(at + 12, end)) as unknown as EventFields;
    at = end + 4;
  }
}
