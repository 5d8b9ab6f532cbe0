/** Which classes a classifier takes for which. */
import { colour, DARK_FILL } from '../draw/theme';
import type { TopLevelSpec } from '../draw/vega';

/** Counts [classes, classes] in rows of the true class and columns of the predicted. */
export function confusionMatrix(labels: Int32Array, predictions: Int32Array, classes: number): Int32Array {
  const counts = new Int32Array(classes * classes);
  labels.forEach((label, i) => counts[label * classes + predictions[i]]++);
  return counts;
}

export interface Mistake {
  readonly truth: number;
  readonly predicted: number;
  readonly count: number;
  /** of the images of the true class */
  readonly fraction: number;
}

/** Off-diagonal entries, largest count first. */
export function mistakes(counts: Int32Array, classes: number): Mistake[] {
  const found: Mistake[] = [];
  for (let truth = 0; truth < classes; truth++) {
    const row = counts.subarray(truth * classes, (truth + 1) * classes);
    const total = row.reduce((sum, count) => sum + count, 0);
    row.forEach((count, predicted) => {
      if (count > 0 && predicted !== truth) found.push({ truth, predicted, count, fraction: count / total });
    });
  }
  return found.sort((a, b) => b.count - a.count);
}

/** A matrix of more classes cannot be read; then it shows so many. */
const MOST_CLASSES = 40;
const SHOWN_CLASSES = 30;

/** The classes to show, ascending: all, or of many those that were most often mistaken for another or another for them. */
export function mostConfused(counts: Int32Array, classes: number): number[] {
  const all = Array.from({ length: classes }, (_, i) => i);
  if (classes <= MOST_CLASSES) return all;
  const errors = new Int32Array(classes);
  for (const { truth, predicted, count } of mistakes(counts, classes)) {
    errors[truth] += count;
    errors[predicted] += count;
  }
  const sorted = all.sort((a, b) => errors[b] - errors[a] || a - b);
  return sorted.slice(0, SHOWN_CLASSES).sort((a, b) => a - b);
}

/** The matrix of the classes in `shown` as a heat map: each row in fractions of all images of its true class. */
export function confusionSpec(
  counts: Int32Array,
  names: readonly string[],
  shown: readonly number[] = Array.from(names.keys()),
): TopLevelSpec {
  const classes = shown.length;
  const values = shown.flatMap((truth) => {
    const row = counts.subarray(truth * names.length, (truth + 1) * names.length);
    const total = row.reduce((sum, count) => sum + count, 0);
    return shown.map((predicted) => {
      const fraction = total > 0 ? row[predicted] / total : 0;
      return {
        truth: names[truth],
        predicted: names[predicted],
        fraction,
        // Zeros would hide the pattern.
        label: row[predicted] === 0 ? '' : (100 * fraction).toFixed(0),
        strong: fraction > DARK_FILL,
      };
    });
  });
  const sort = shown.map((label) => names[label]);
  const side = classes <= 12 ? 44 : classes <= 20 ? 30 : 20;
  const axis = {
    domain: false,
    ticks: false,
    grid: false,
    labelColor: colour('ink'),
    labelLimit: 260,
    labelPadding: 6,
  };
  const cells = {
    mark: { type: 'rect' as const, cornerRadius: 2, stroke: colour('grid'), strokeWidth: 1 },
    encoding: {
      color: { value: colour('accent') },
      fillOpacity: {
        field: 'fraction',
        type: 'quantitative' as const,
        scale: { domain: [0, 1], range: [0, 1] },
        legend: null,
      },
    },
  };
  const numbers = {
    mark: { type: 'text' as const, fontSize: classes <= 12 ? 12 : 9 },
    encoding: {
      text: { field: 'label', type: 'nominal' as const },
      color: {
        condition: { test: 'datum.strong', value: colour('paper') },
        value: colour('ink'),
      },
    },
  };
  return {
    width: side * classes,
    height: side * classes,
    description: 'Confusion matrix: true classes by predicted classes, percent of the true class',
    data: { values },
    encoding: {
      x: {
        field: 'predicted',
        type: 'nominal',
        sort,
        title: 'predicted',
        axis: { ...axis, labelAngle: -40 },
      },
      y: { field: 'truth', type: 'nominal', sort, title: 'true class', axis },
    },
    layer: [cells, numbers],
  };
}
