/** What a data set consists of, and how two differ. */
import { contentDifference, contentOf, sameClasses } from '../../src/run/content';

interface Given {
  names?: readonly string[];
  sizes?: readonly number[];
  classes?: readonly string[] | null;
  labels?: readonly number[];
}
const content = (given: Given = {}) => {
  const { names = ['a', 'b', 'c'], sizes = [1, 2, 3] } = given;
  const { classes = ['cat', 'dog'], labels = [0, 1, 0] } = given;
  return contentOf({
    length: names.length,
    classes,
    key: (i) => names[i],
    storedBytes: (i) => sizes[i],
    label: (i) => (classes ? labels[i] : null),
  });
};

test.each<[string, Given, string | null]>([
  ['the same', {}, null],
  ['a name', { names: ['a', 'b', 'd'] }, 'images of other names or sizes, or in another order'],
  ['an order', { names: ['b', 'a', 'c'] }, 'images of other names or sizes, or in another order'],
  ['a size', { sizes: [1, 2, 4] }, 'images of other names or sizes, or in another order'],
  ['what runs together', { names: ['a', 'b2', 'c'] }, 'images of other names or sizes, or in another order'],
  ['an image less', { names: ['a', 'b'] }, '2 images, there were 3'],
  ['a label', { labels: [0, 1, 1] }, 'other labels for the same images'],
  ['no labels', { classes: null }, null],
  ['a class more', { classes: ['ant', 'cat', 'dog'], labels: [1, 2, 1] }, 'new classes: ant; other labels'],
  ['a class less', { classes: ['cat'], labels: [0, 0, 0] }, 'classes that are gone: dog; other labels'],
  ['classes in another order', { classes: ['dog', 'cat'] }, 'its classes are in another order'],
])('%s', (_, given, expected) => {
  const difference = contentDifference(content(), content(given));
  if (expected === null) expect(difference).toBeNull();
  else expect(difference).toContain(expected);
});

test('classes mean the same or do not', () => {
  expect(sameClasses(content(), content({ names: ['x', 'y', 'z'] }))).toBe(true);
  expect(sameClasses(content(), content({ classes: null }))).toBe(true);
  expect(sameClasses(content(), content({ classes: ['dog', 'cat'] }))).toBe(false);
});
