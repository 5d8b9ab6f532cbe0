/** `--set`: every key takes a value of its type, nothing else changes, and a typo names the key that was meant. */
import fc from 'fast-check';
import { loadRecipe } from '../../graphs/recipes/load';
import { applyOverrides, parseValue, RECIPE_KEYS } from '../../src/bundle/overrides';
import { UserError } from '../../src/base/errors';
import { userErrorOf } from '../support/userError';

const BASE = 'embedded-pretrain';

/** Keys with values that are valid whatever the others are. */
const SETTINGS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  batch: fc.integer({ min: 2, max: 4096 }),
  seed: fc.nat(),
  provider: fc.constantFrom('cpu', 'cuda', 'webgpu'),
  'patch.hidden': fc.double({ min: 0.2, max: 0.9, noNaN: true }),
  'network.version': fc.constantFrom('v1', 'v2'),
  'network.finalNorm': fc.boolean(),
  'pooling.feedForward': fc.integer({ min: 1, max: 5000 }),
  'pooling.dropout': fc.double({ min: 0, max: 0.99, noNaN: true }),
  'position.kind': fc.constantFrom('table', 'rowColumn'),
  'optimizer.name': fc.constantFrom('sgd', 'adamw', 'lars'),
  'optimizer.weightDecay': fc.double({ min: 0, max: 1, noNaN: true }),
  'schedule.steps': fc.integer({ min: 1000, max: 1_000_000 }),
  without: fc.uniqueArray(fc.constantFrom('gram', 'winograd', 'moments')),
  'network.stages': fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
  'image.mean': fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
};
const setting = fc
  .constantFrom(...Object.keys(SETTINGS))
  .chain((key) => SETTINGS[key].map((value) => ({ key, value })));

const get = (recipe: object, key: string): unknown =>
  key.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], recipe);
/** -0 is written as 0. */
const written = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const asText = ({ key, value }: { key: string; value: unknown }) =>
  `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`;

test('every set key has its value and every other key keeps its own', () => {
  const before = loadRecipe(BASE).recipe;
  fc.assert(
    fc.property(fc.uniqueArray(setting, { selector: ({ key }) => key }), (settings) => {
      const after = loadRecipe(BASE, settings.map(asText)).recipe;
      const changed = new Map(settings.map(({ key, value }) => [key, written(value)]));
      for (const key of RECIPE_KEYS)
        expect(get(after, key)).toEqual(changed.has(key) ? changed.get(key) : get(before, key));
    }),
  );
});

test('the last of two values for one key wins', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (first, second) => {
      expect(loadRecipe(BASE, [`seed=${first}`, `seed=${second}`]).recipe.seed).toBe(second);
    }),
  );
});

test('a key with one letter dropped, doubled or changed is an error that names a key that is as near', () => {
  const typo = fc.constantFrom(...RECIPE_KEYS).chain((key) =>
    fc.tuple(
      fc.constant(key),
      fc
        .nat({ max: key.length - 1 })
        .chain((i) =>
          fc.constantFrom(
            key.slice(0, i) + key.slice(i + 1),
            key.slice(0, i) + key[i] + key.slice(i),
            `${key.slice(0, i)}x${key.slice(i + 1)}`,
          ),
        ),
    ),
  );
  fc.assert(
    fc.property(typo, ([key, mistyped]) => {
      fc.pre(mistyped.length > 2 && !RECIPE_KEYS.includes(mistyped));
      const message = userErrorOf(() => applyOverrides({ task: 'pretrain' }, [`${mistyped}=1`]));
      const [, named] = /did you mean (\S+)\?$/.exec(message) ?? [];
      expect(RECIPE_KEYS).toContain(named);
      // two keys may be one letter apart from the typo; otherwise it is the one that was meant
      if (named !== key) expect(Math.abs(named.length - mistyped.length)).toBeLessThanOrEqual(1);
    }),
  );
});

test('any text is a setting or a UserError of one line, and never reaches an object prototype', () => {
  const hostile = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '__proto__.a=1',
      'constructor=1',
      'network.__proto__=1',
      '=',
      'network.=1',
      '.width=1',
      'a=b=c',
    ),
  );
  fc.assert(
    fc.property(hostile, (override) => {
      try {
        applyOverrides({ task: 'pretrain' }, [override]);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
      expect(Object.prototype).not.toHaveProperty('a');
    }),
  );
});

test('values: JSON where it parses, else the text', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => expect(parseValue(JSON.stringify(value))).toEqual(written(value))),
  );
  expect(parseValue('adamw')).toBe('adamw');
  expect(parseValue('007')).toBe('007');
});

test.each([
  ['without=gram', 'without', ['gram']],
  ['without=gram, winograd', 'without', ['gram', 'winograd']],
  ['network.stages=1,1', 'network.stages', [1, 1]],
  ['network.stages=2', 'network.stages', [2]],
])('a list without brackets: --set %s', (override, key, value) => {
  expect(get(loadRecipe(BASE, [override]).recipe, key)).toEqual(value);
});

test('applying overrides leaves the recipe it was given alone', () => {
  const input = { task: 'pretrain', network: { width: 8 } };
  applyOverrides(input, ['network.width=16', 'batch=4']);
  expect(input).toEqual({ task: 'pretrain', network: { width: 8 } });
});

test.each([
  ['network.widht=8', 'unknown key network.widht; did you mean network.width?'],
  ['network=8', 'network is a section; set one of network.version, network.stages'],
  ['network.width', 'expected key=value'],
  ['zzzzzzzzzz=1', 'unknown key zzzzzzzzzz'],
  ['network.width=abc', 'network.width is "abc": expected number, received string'],
  ['network.width=1.5', 'network.width is 1.5: expected int'],
  ['network.width=0', 'network.width is 0: too small'],
  ['network.version=v3', 'network.version is "v3": expected one of "v1"|"v2"'],
  ['network.stages=[]', 'network.stages is []'],
  ['image.mean=["a",0,0]', 'image.mean.0 is "a"'],
  ['batch=null', 'batch is null: expected number'],
])('--set %s is refused', (override, message) => {
  expect(userErrorOf(() => loadRecipe(BASE, [override]))).toContain(message);
});
