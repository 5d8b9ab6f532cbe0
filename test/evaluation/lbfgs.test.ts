/** L-BFGS against minima that are known, and where it stops. */
import { type LbfgsOptions, minimize } from '../../src/evaluation/lbfgs';
import { distance } from './oracle';

const rosenbrock = ([x, y]: Float64Array) => ({
  value: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
  gradient: Float64Array.of(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
});
const start = Float64Array.of(-1.2, 1);

/** sum of c_i (x_i - i)^2 / 2 with curvatures from 1 to 1000, and how often it was asked. */
function bowl(size: number) {
  const curvature = Float64Array.from({ length: size }, (_, i) => 1000 ** (i / (size - 1)));
  let asked = 0;
  const evaluate = (x: Float64Array) => {
    asked++;
    const gradient = x.map((value, i) => curvature[i] * (value - i));
    return { value: gradient.reduce((sum, g, i) => sum + (g * (x[i] - i)) / 2, 0), gradient };
  };
  const run = async (options: LbfgsOptions) => ({
    ...(await minimize(evaluate, new Float64Array(size), options)),
    asked,
  });
  return run;
}

test('it finds the minimum of Rosenbrock’s valley, with no gradient left', async () => {
  const minimum = await minimize(rosenbrock, start, { tolerance: 1e-9 });
  expect(minimum.converged).toBe(true);
  expect(Math.max(...minimum.gradient.map(Math.abs))).toBeLessThanOrEqual(1e-9);
  expect(distance(minimum.x, [1, 1])).toBeLessThan(1e-8);
  expect(minimum.value).toBeLessThan(1e-16);
  expect(minimum.iterations).toBeLessThan(60);
  expect([...start]).toEqual([-1.2, 1]);
});

test('it needs few steps, the fewer the more of them it remembers: ten unless told', async () => {
  const [ten, one] = [await bowl(5)({ tolerance: 1e-8 }), await bowl(5)({ tolerance: 1e-8, memory: 1 })];
  for (const { converged, x } of [ten, one]) {
    expect(converged).toBe(true);
    expect(distance(x, [0, 1, 2, 3, 4])).toBeLessThan(1e-7);
  }
  // gradient descent takes thousands: the condition is 1000
  expect(ten.iterations).toBeLessThan(25);
  expect(one.iterations).toBeGreaterThan(3 * ten.iterations);
  // nearly every line search is content with the first step
  expect(ten.asked).toBeLessThan(ten.iterations + 5);
  const tenOf20 = await bowl(20)({ tolerance: 1e-8 });
  expect(await bowl(20)({ tolerance: 1e-8, memory: 10 })).toEqual(tenOf20);
});

test('a tolerance and a number of steps end it', async () => {
  const rough = await minimize(rosenbrock, start, { tolerance: 0.1 });
  const fine = await minimize(rosenbrock, start);
  expect([rough.converged, fine.converged]).toEqual([true, true]);
  expect(rough.iterations).toBeLessThan(fine.iterations);
  expect(Math.max(...fine.gradient.map(Math.abs))).toBeLessThanOrEqual(1e-6);
  expect(Math.max(...rough.gradient.map(Math.abs))).toBeGreaterThan(1e-6);
  const cut = await minimize(rosenbrock, start, { maxIterations: 3 });
  expect([cut.converged, cut.iterations]).toEqual([false, 3]);
  expect(cut.value).toBeLessThan(rosenbrock(start).value);
  // what is there already needs none
  const there = await minimize(rosenbrock, Float64Array.of(1, 1));
  expect([there.converged, there.iterations, ...there.x]).toEqual([true, 0, 1, 1]);
});

test('it goes downhill from a steep place without overflowing', async () => {
  const steep = ([x]: Float64Array) => ({ value: Math.cosh(x), gradient: Float64Array.of(Math.sinh(x)) });
  const { x, converged } = await minimize(steep, Float64Array.of(300));
  expect([converged, Math.abs(x[0]) < 1e-6]).toEqual([true, true]);
});

test('it says where it did not arrive', async () => {
  let asked = 0;
  const slope = () => ({ value: NaN, gradient: Float64Array.of(++asked / asked) });
  expect(await minimize(slope, Float64Array.of(0))).toMatchObject({ converged: false, iterations: 0 });
  // the start, and a line search that gives up
  expect(asked).toBe(1 + 40);
});

test('a step that hardly goes up is not taken, however flat it is there', async () => {
  // from a slope of -1 up by 5e-5 at 1, down to -0.1 half-way; both are flat
  const places = new Map([
    [0, [0, -1]],
    [1, [5e-5, 0]],
    [0.5, [-0.1, 0]],
  ]);
  const evaluate = ([x]: Float64Array) => {
    const [value, gradient] = places.get(x) ?? [NaN, NaN];
    return { value, gradient: Float64Array.of(gradient) };
  };
  const { x, converged } = await minimize(evaluate, Float64Array.of(0));
  expect([converged, ...x]).toEqual([true, 0.5]);
});
