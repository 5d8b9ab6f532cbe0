/** ONNX Runtime's profiling trace (Chrome's trace events as JSON): which kernels ran in each run, and for how long. */
import { z } from 'zod';
import { UserError } from '../base/errors';

/** One call of a kernel. */
export interface Kernel {
  /** the node's name in the graph that the runtime made of ours */
  readonly name: string;
  readonly op: string;
  readonly provider: string;
  /** shapes, in the order of the node's inputs; an absent optional input may be missing */
  readonly inputs: readonly (readonly number[])[];
  readonly outputs: readonly (readonly number[])[];
  /** microseconds, without kernels that ran inside (of a Loop's body) */
  readonly us: number;
}

/** One run of the session. */
export interface TraceRun {
  /** microseconds inside the runtime */
  readonly us: number;
  /** in the order in which they started */
  readonly kernels: readonly Kernel[];
}

/** Shapes come as [{ "float": [64, 3] }, ...], one object a tensor. */
const shapesSchema = z.array(z.record(z.string(), z.array(z.number())));

const eventSchema = z.object({
  cat: z.string().optional(),
  name: z.string(),
  ts: z.number(),
  dur: z.number().optional(),
  args: z
    .object({
      op_name: z.string().optional(),
      provider: z.string().optional(),
      input_type_shape: shapesSchema.optional(),
      output_type_shape: shapesSchema.optional(),
    })
    .optional(),
});
type Event = z.infer<typeof eventSchema>;

const KERNEL = '_kernel_time';

/** The runs in a trace, in their order. `file` is for messages: UserError where `text` is no such trace. */
export function parseTrace(text: string, file: string): TraceRun[] {
  let events: Event[];
  try {
    events = z.array(eventSchema).parse(JSON.parse(text));
  } catch (error) {
    throw new UserError(`${file}: not a trace of ONNX Runtime; profile fewer steps if it was cut off`, {
      cause: error,
    });
  }
  const kernels = events
    .filter(({ cat, name }) => cat === 'Node' && name.endsWith(KERNEL))
    .sort((a, b) => a.ts - b.ts || duration(b) - duration(a));
  let next = 0;
  return events
    .filter(({ cat, name }) => cat === 'Session' && name === 'model_run')
    .sort((a, b) => a.ts - b.ts)
    .map((run) => {
      const first = next;
      while (next < kernels.length && kernels[next].ts <= run.ts + duration(run)) next++;
      return { us: duration(run), kernels: ownTimes(kernels.slice(first, next)) };
    });
}

const duration = ({ dur = 0 }: Event) => dur;

/** Subtracts from each kernel's time the kernels that ran inside it, as those of a Loop's body do. */
function ownTimes(events: readonly Event[]): Kernel[] {
  const own = events.map(duration);
  const open: number[] = [];
  events.forEach((event, i) => {
    while (open.length > 0 && end(events[open[open.length - 1]]) <= event.ts) open.pop();
    if (open.length > 0) own[open[open.length - 1]] -= duration(event);
    open.push(i);
  });
  return events.map(({ name, args }, i) => ({
    name: name.slice(0, -KERNEL.length),
    op: args?.op_name ?? '(unknown)',
    provider: args?.provider ?? '(unknown)',
    inputs: (args?.input_type_shape ?? []).flatMap((tensor) => Object.values(tensor)),
    outputs: (args?.output_type_shape ?? []).flatMap((tensor) => Object.values(tensor)),
    us: own[i],
  }));
}

const end = (event: Event) => event.ts + duration(event);
