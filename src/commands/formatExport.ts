/** What an export tells the user: the file, how near it is to the trainer's graph, and what was measured on images. */
import type { ExportReport } from '../export/exportModel';
import { imagesOf, type Measurement } from '../export/measure';

export function formatExport({ file, form, images, error, measured }: ExportReport): string {
  const { kind, precision } = form;
  const lines = [
    `${file}: ${kind}, ${precision === 'float32' ? 'equal to' : `${precision}, beside`} the trainer's evaluation graph on ${images} images ` +
      `(largest difference ${error.toExponential(1)} of the largest value)`,
    ...(measured ? formatMeasurement(measured, precision) : []),
  ];
  return lines.join('\n');
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

function formatMeasurement(measured: Measurement, precision: string) {
  const { images, accuracy, float32Accuracy, cosine } = measured;
  const on = `${images} ${imagesOf(measured)}`;
  const lines: string[] = [];
  if (accuracy !== null) {
    const points = 100 * (accuracy - (float32Accuracy ?? accuracy));
    const beside =
      float32Accuracy === null
        ? ''
        : `; float32 has ${percent(float32Accuracy)} (${points >= 0 ? '+' : ''}${points.toFixed(2)} points)`;
    lines.push(`accuracy on ${on}: ${precision} ${percent(accuracy)}${beside}`);
  }
  if (cosine !== null) lines.push(`mean cosine to float32's embeddings on ${on}: ${cosine.toFixed(5)}`);
  return lines;
}
