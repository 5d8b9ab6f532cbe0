/** What the programs of a model card print: the likeliest classes, or the beginning of the embedding. */
import { type CardData, LABELS } from './cardData';

/** Classes to print, and numbers of an embedding. */
const TOP = 5;
const SHOWN = 8;

/** The output that is printed. */
export const printedOutput = ({ labels }: CardData) => (labels ? 'probabilities' : 'embedding');

/** Lines of Python that print the array `value`. */
export const pythonPrint = ({ labels }: CardData, value: string) =>
  labels
    ? `labels = open('${LABELS}', encoding='utf-8').read().splitlines()
for i in ${value}.argsort()[::-1][:${TOP}]:
    print(f'{labels[i]}: {${value}[i]:.4f}')`
    : `print(' '.join(f'{x:.4f}' for x in ${value}[:${SHOWN}]))`;

/** Lines of JavaScript that make `lines` of the tensor `value`; of a classifier, `labels` is there. */
export const scriptLines = ({ labels }: CardData, value: string) =>
  labels
    ? `const ranked = [...${value}.data].map((p, i) => ({ label: labels[i], p })).sort((a, b) => b.p - a.p);
const lines = ranked.slice(0, ${TOP}).map(({ label, p }) => \`\${label}: \${p.toFixed(4)}\`);`
    : `const lines = [[...${value}.data.slice(0, ${SHOWN})].map((x) => x.toFixed(4)).join(' ')];`;
