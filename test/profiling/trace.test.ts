/** The runtime's trace: a stored excerpt, kernels inside kernels, and files that are no trace. */
import { parseTrace } from '../../src/profiling/trace';
import { userErrorOf } from '../support/userError';

const node = (
  name: string,
  op: string,
  ts: number,
  dur: number,
  inputs: object[] = [],
  outputs: object[] = [],
) => ({
  cat: 'Node',
  pid: 5475,
  tid: 5475,
  dur,
  ts,
  ph: 'X',
  name: `${name}_kernel_time`,
  args: {
    op_name: op,
    provider: 'CPUExecutionProvider',
    input_type_shape: inputs,
    output_type_shape: outputs,
    output_size: '64',
    thread_scheduling_stats: { main_thread: { block_size: [1], core: 0, Run: 1818 }, sub_threads: {} },
  },
});
const session = (name: string, ts: number, dur: number) => ({
  cat: 'Session',
  ph: 'X',
  ts,
  dur,
  name,
  args: {},
});

const f = (...shape: number[]) => ({ float: shape });
const parse = (events: object[]) => parseTrace(JSON.stringify(events), 'x.json');

test('runs with their kernels: names, operators, shapes, microseconds', () => {
  const runs = parse([
    session('model_loading_uri', 4, 27184),
    session('session_initialization', 27269, 257338),
    node('/conv1/Gemm', 'Gemm', 328578, 2129, [f(65536, 27), f(16, 27)], [f(65536, 16)]),
    node(
      '/grad/position/Reshape_1',
      'Reshape',
      308742,
      47,
      [{ int64: [64, 16] }, { int64: [2] }],
      [{ int64: [1024] }],
    ),
    session('SequentialExecutor::Execute', 308738, 359807),
    session('model_run', 308544, 360623),
    node('/conv1/Gemm', 'Gemm', 690000, 1800, [f(65536, 27), f(16, 27)], [f(65536, 16)]),
    session('model_run', 680139, 208516),
  ]);
  expect(runs.map(({ us }) => us)).toEqual([360623, 208516]);
  expect(runs[0].kernels).toEqual([
    {
      name: '/grad/position/Reshape_1',
      op: 'Reshape',
      provider: 'CPUExecutionProvider',
      inputs: [[64, 16], [2]],
      outputs: [[1024]],
      us: 47,
    },
    {
      name: '/conv1/Gemm',
      op: 'Gemm',
      provider: 'CPUExecutionProvider',
      inputs: [
        [65536, 27],
        [16, 27],
      ],
      outputs: [[65536, 16]],
      us: 2129,
    },
  ]);
  expect(runs[1].kernels.map(({ us }) => us)).toEqual([1800]);
});

test('a Loop does not count what its body counts', () => {
  const [{ kernels }] = parse([
    session('model_run', 0, 1000),
    node('body/Add', 'Add', 110, 300),
    node('body/If', 'If', 410, 200),
    node('body/then/Mul', 'Mul', 420, 150),
    node('loop', 'Loop', 100, 600),
    node('after', 'Add', 700, 50),
  ]);
  expect(kernels.map(({ name, us }) => [name, us])).toEqual([
    ['loop', 100],
    ['body/Add', 300],
    ['body/If', 50],
    ['body/then/Mul', 150],
    ['after', 50],
  ]);
});

test.each(['', '[{"cat": "Node", "na', '{"a": 1}', '[{"name": 1}]'])('%j is no trace', (text) => {
  expect(userErrorOf(() => parseTrace(text, 'x.json'))).toContain('x.json: not a trace of ONNX Runtime');
});
