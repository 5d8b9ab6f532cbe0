/** A profile as text for the terminal. */
import { maxOf } from '../base/lists';
import { formatTable, type Column } from './table';
import type { Cost, Profile } from './profile';

const fixed = (digits: number) => (value: number) => value.toFixed(digits);
const ms = (value: number) => (value === 0 ? '-' : value.toFixed(value < 100 ? 2 : 1));
const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;

/** GFLOP/s of a part in the time that it takes: GFLOP a millisecond, times 1000. */
const speed = ({ gflop }: Pick<Cost, 'gflop'>, milliseconds: number) =>
  gflop === 0 || milliseconds === 0 ? '-' : ((1000 * gflop) / milliseconds).toFixed(1);
const gflops = (value: number) => (value === 0 ? '-' : value.toFixed(value < 0.1 ? 4 : 3));

const shape = (sizes: readonly number[]) => (sizes.length === 0 ? 'scalar' : sizes.join('x'));

const BAR = 10;
/** Ten blocks for the table's longest row; the total has none. */
const bar = (part: number, longest: number) =>
  part > longest ? '' : '█'.repeat(Math.round((BAR * part) / longest));

/** All tables; each has at most `top` rows. */
export function formatProfile(profile: Profile, top: number): string[] {
  return [
    ...totals(profile),
    ...section('by scope, ms a step', scopeTable(profile, top)),
    ...section('by operator', operatorTable(profile, top)),
    ...section('matrix products by shape', productTable(profile, top)),
    ...section(
      'convolutions of the network, forward and backward, with all that their implementation takes',
      convolutionTable(profile, top),
    ),
  ];
}

const section = (title: string, table: readonly string[]) => (table.length > 0 ? ['', title, ...table] : []);

function totals(profile: Profile): string[] {
  const { total, peak, placement, secondsPerStep, profiledSecondsPerStep: profiled } = profile;
  const { kernelSeconds, betweenKernelsSeconds, outsideSeconds } = profile;
  const weights = profile.checkpoint === 0 ? 'initial weights' : `weights of step ${profile.checkpoint}`;
  const ofPeak = (value: number) => (peak ? `, ${percent(value, peak.gflops)} of the peak` : '');
  const overall = total.gflop / secondsPerStep;
  const inProducts = (1000 * total.gflop) / total.productMs;
  const seconds = fixed(4);
  const lines = [
    `${profile.recipe} on ${profile.provider}, ${profile.threads} threads, ${weights}, ${profile.steps} steps of a random batch`,
    `s/step          ${seconds(secondsPerStep)}  without the profiler (median)`,
    `  profiled      ${seconds(profiled)}  = ${seconds(kernelSeconds)} in kernels + ${seconds(betweenKernelsSeconds)} between them + ${seconds(outsideSeconds)} tensors in and out (means)`,
    `products        ${percent(total.productMs / 1000, profiled)} of the profiled step: ${total.gflop.toFixed(3)} GFLOP`,
    `GFLOP/s         ${overall.toFixed(1)} over the whole step${ofPeak(overall)}`,
    ...(total.gflop > 0 ? [`  in products   ${inProducts.toFixed(1)}${ofPeak(inProducts)}`] : []),
    ...(peak
      ? [
          `  peak          ${peak.gflops.toFixed(1)}, MatMul ${peak.size}x${peak.size}x${peak.size} in this run`,
        ]
      : [
          `  peak          not measured: kernels on ${profile.provider} run behind the calls that are timed here`,
        ]),
  ];
  const providers = Object.entries(placement);
  if (providers.length > 1)
    lines.push(`providers       ${providers.map(([name, time]) => `${name} ${ms(time)} ms`).join(', ')}`);
  return lines;
}

function scopeTable(profile: Profile, top: number): string[] {
  const stepMs = 1000 * profile.profiledSecondsPerStep;
  const outsideKernels = 1000 * (profile.betweenKernelsSeconds + profile.outsideSeconds);
  const { shown, rest } = cut(profile.scopes, top);
  const longest = maxOf([outsideKernels, ...shown.map(({ total }) => total.ms)]);
  const row = (scope: string, forward: number, backward: number, optimizer: number, total: Cost) => [
    scope,
    ms(forward),
    ms(backward),
    ms(optimizer),
    ms(total.ms),
    percent(total.ms, stepMs),
    bar(total.ms, longest),
    gflops(total.gflop),
    speed(total, total.ms),
  ];
  const rows = shown.map(({ scope, forward, backward, optimizer, total }) =>
    row(scope, forward.ms, backward.ms, optimizer.ms, total),
  );
  const over = (scopes: Profile['scopes'], phase: 'forward' | 'backward' | 'optimizer') =>
    scopes.reduce((sum, scope) => sum + scope[phase].ms, 0);
  const line = (label: string, scopes: Profile['scopes'], total: Cost) =>
    row(label, over(scopes, 'forward'), over(scopes, 'backward'), over(scopes, 'optimizer'), total);
  if (rest.length > 0) rows.push(line(more(rest.length), rest, merge(rest.map(({ total }) => total))));
  const none = { calls: 0, productMs: 0, gflop: 0 };
  rows.push(row('(not in kernels)', 0, 0, 0, { ms: outsideKernels, ...none }));
  rows.push(line('total', profile.scopes, { ...profile.total, ms: stepMs }));
  return formatTable(
    [left('scope'), ...right('forward', 'backward', 'optimizer', 'all', 'share'), left('')].concat(
      right('GFLOP', 'GFLOP/s'),
    ),
    rows,
  );
}

function operatorTable(profile: Profile, top: number): string[] {
  const stepMs = 1000 * profile.profiledSecondsPerStep;
  const { shown, rest } = cut(profile.operators, top);
  const longest = maxOf(shown.map((cost) => cost.ms));
  const row = (op: string, cost: Cost) => [
    op,
    fixed(0)(cost.calls),
    ms(cost.ms),
    percent(cost.ms, stepMs),
    bar(cost.ms, longest),
    gflops(cost.gflop),
    speed(cost, cost.productMs),
  ];
  const rows = shown.map((cost) => row(cost.op, cost));
  if (rest.length > 0) rows.push(row(more(rest.length), merge(rest)));
  return formatTable(
    [left('operator'), ...right('calls', 'ms', 'share'), left(''), ...right('GFLOP', 'GFLOP/s')],
    rows,
  );
}

function productTable({ products, peak, ...profile }: Profile, top: number): string[] {
  const stepMs = 1000 * profile.profiledSecondsPerStep;
  const { shown, rest } = cut(products, top);
  const numbers = (cost: Cost) => [
    fixed(0)(cost.calls),
    ms(cost.ms),
    percent(cost.ms, stepMs),
    gflops(cost.gflop),
    speed(cost, cost.ms),
    ofPeak(cost, cost.ms, peak),
  ];
  const rows = shown.map((cost) => [
    cost.op,
    `${cost.inputs.map(shape).join(' · ')} → ${shape(cost.output)}`,
    ...numbers(cost),
  ]);
  if (rest.length > 0) rows.push([more(rest.length), '', ...numbers(merge(rest))]);
  return formatTable(
    [
      left('operator'),
      left('operands as stored → result'),
      ...right('calls', 'ms', 'share', 'GFLOP', 'GFLOP/s', '% peak'),
    ],
    rows,
  );
}

function convolutionTable({ convolutions, peak }: Profile, top: number): string[] {
  const { shown, rest } = cut(convolutions, top);
  const numbers = (count: number, forwardMs: number, backwardMs: number, cost: Cost) => [
    String(count),
    ms(forwardMs),
    ms(backwardMs),
    percent(cost.productMs, cost.ms),
    gflops(cost.gflop),
    speed(cost, cost.ms),
    ofPeak(cost, cost.ms, peak),
  ];
  const rows = shown.map((one) => [
    one.scopes[0],
    shape(one.weight),
    ...numbers(one.scopes.length, one.forwardMs, one.backwardMs, one),
  ]);
  if (rest.length > 0) {
    const over = (of: (one: (typeof rest)[number]) => number) => rest.reduce((sum, one) => sum + of(one), 0);
    const [count, forward, backward] = [
      over(({ scopes }) => scopes.length),
      over(({ forwardMs }) => forwardMs),
      over(({ backwardMs }) => backwardMs),
    ];
    rows.push([more(rest.length), '', ...numbers(count, forward, backward, merge(rest))]);
  }
  return formatTable(
    [
      left('first scope'),
      left('weight'),
      ...right('alike', 'forward', 'backward', 'in products', 'GFLOP', 'GFLOP/s', '% peak'),
    ],
    rows,
  );
}

const ofPeak = (cost: Cost, milliseconds: number, peak: Profile['peak']) =>
  peak && cost.gflop > 0 ? ((100000 * cost.gflop) / milliseconds / peak.gflops).toFixed(0) : '-';

const more = (count: number) => `(${count} more)`;

const cut = <T>(rows: readonly T[], top: number) => ({ shown: rows.slice(0, top), rest: rows.slice(top) });

function merge(costs: readonly Cost[]): Cost {
  const over = (key: keyof Cost) => costs.reduce((sum, cost) => sum + cost[key], 0);
  return { calls: over('calls'), ms: over('ms'), productMs: over('productMs'), gflop: over('gflop') };
}

const left = (title: string): Column => ({ title, right: false });
const right = (...titles: string[]): Column[] => titles.map((title) => ({ title, right: true }));
