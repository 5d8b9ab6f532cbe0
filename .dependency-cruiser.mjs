/**
 * Which room may import which, and which package only one room imports (`npm run lint`): one table, no exception for a file,
 * and no circle, of types neither. A room is a folder; what is not named here (tools, test) nobody imports.
 */

const GROUND = ['src/base', 'src/tensors'];
const BUILDER = ['src/graph', 'src/ops', 'src/passes'];
const LIBRARY = [...BUILDER, 'src/autodiff', 'src/lowering', 'src/nn', 'src/optim'];
const RUN = [...GROUND, 'src/onnx', 'src/bundle', 'src/data', 'src/runtime', 'src/run'];

/** Ground first: a room imports itself and what its row names, all of which stands above the row. */
export const MAY_IMPORT = {
  'src/base': [],
  'src/tensors': ['src/base'],
  'src/onnx': GROUND,

  'src/graph': [...GROUND, 'src/onnx'],
  'src/ops': [...GROUND, 'src/onnx', 'src/graph'],
  'src/autodiff': [...GROUND, 'src/graph', 'src/ops'],
  'src/passes': [...GROUND, 'src/graph', 'src/ops'],
  'src/lowering': [...GROUND, 'src/graph', 'src/ops', 'src/passes'],
  'src/nn': [...GROUND, 'src/onnx', 'src/graph', 'src/ops'],
  'src/optim': [...GROUND, 'src/graph', 'src/ops'],

  'src/bundle': GROUND,
  'src/compile': [...GROUND, 'src/onnx', ...LIBRARY, 'src/bundle'],

  'src/data': [...GROUND, 'src/bundle'],
  'src/runtime': [...GROUND, 'src/onnx', 'src/bundle'],
  'src/run': [...GROUND, 'src/bundle', 'src/runtime'],
  'src/evaluation': [...RUN, ...BUILDER, 'src/autodiff'],
  'src/training': [...RUN, 'src/evaluation'],

  'src/draw': GROUND,
  'src/report': [...RUN, 'src/evaluation', 'src/draw'],
  'src/experiment': [...GROUND, 'src/data', 'src/run', 'src/draw'],
  'src/profiling': [...RUN, 'src/evaluation'],
  'src/tuning': [...GROUND, 'src/onnx', 'src/runtime', ...LIBRARY, 'src/compile', 'src/profiling'],

  'src/repository': [...GROUND, 'src/onnx'],
  'src/export': [...RUN, ...BUILDER, 'src/nn', 'src/evaluation', 'src/repository'],
  'src/inference': [...RUN, 'src/evaluation', 'src/export'],
  'src/serving': [...RUN, 'src/evaluation', 'src/draw', 'src/repository', 'src/export', 'src/inference'],
  'src/web': [...RUN, 'src/evaluation', 'src/training', 'src/draw', 'src/export'],

  'graphs/recipes': [...GROUND, 'src/bundle'],
  'graphs/tuned': [...GROUND, 'src/lowering', 'src/compile'],
  'graphs/experiments': ['src/experiment'],
  'graphs/tasks': [...GROUND, 'src/onnx', ...LIBRARY, 'src/bundle', 'src/compile', 'graphs/tuned'],
};
const ROOMS = Object.keys(MAY_IMPORT);
MAY_IMPORT['src/commands'] = ROOMS.filter((room) => room !== 'src/web');

/** Packages that one room imports, so that another can take their place there. */
const ONLY_IN = {
  'onnx-proto': ['src/onnx'],
  // the TensorBoard writer encodes protobuf records of its own
  protobufjs: ['src/onnx', 'src/training'],
  'onnxruntime-node': ['src/runtime'],
  'onnxruntime-web': ['src/web'],
  fastify: ['src/serving'],
  '@fastify': ['src/serving'],
  '@grpc': ['src/serving'],
  'prom-client': ['src/serving'],
  vega: ['src/draw'],
  'vega-lite': ['src/draw'],
  'd3-flame-graph': ['src/profiling'],
};

const below = (folders) => `^(${folders.join('|')})/`;

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'circle', severity: 'error', from: {}, to: { circular: true } },
    ...Object.entries(MAY_IMPORT).map(([room, allowed]) => ({
      name: `${room} may import only ${allowed.join(', ') || 'nothing'}`,
      severity: 'error',
      from: { path: below([room]) },
      to: { path: below(['src', 'graphs', 'tools', 'test']), pathNot: below([room, ...allowed]) },
    })),
    {
      name: 'tools and test are imported by nobody',
      severity: 'error',
      from: { path: below(['src', 'graphs']) },
      to: { path: below(['tools', 'test']) },
    },
    ...Object.entries(ONLY_IN).map(([name, rooms]) => ({
      name: `only ${rooms.join(' and ')} imports ${name}`,
      severity: 'error',
      from: { path: below(['src', 'graphs']), pathNot: below(rooms) },
      to: { path: `(^|node_modules/)${name}(/|$)` },
    })),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
};
