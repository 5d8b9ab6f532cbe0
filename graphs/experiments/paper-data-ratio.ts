/** The paper's figure: the gain of pretraining over the ratio of labelled to unlabelled data. Full size. */
import type { ExperimentInput } from '../../src/experiment/schema';
import table from './paper-table1';

// The gain is large where there is at least ten times more unlabelled than labelled data (likely). Smaller steps than the
// table's; `gain-cifar10.svg` is the figure.
const experiment: ExperimentInput = {
  ...table,
  title: 'Gain of pretraining over the ratio of labelled to unlabelled data',
  dataSets: Object.fromEntries(
    Object.entries(table.dataSets).map(([name, dataSet]) => [
      name,
      {
        ...dataSet,
        paper: [],
        labels: ['1%', '2%', '5%', '10%', '20%', '50%', '100%'].map((labels) => ({ labels })),
      },
    ]),
  ),
};

export default experiment;
