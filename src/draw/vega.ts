/** Vega-Lite to SVG text, in Node and without a browser. */
import { colour, FONT } from './theme';
import { compile, parse, View, type TopLevelSpec } from './vega.bundle';

export type { TopLevelSpec } from './vega.bundle';

const text = { labelFont: FONT, titleFont: FONT, labelColor: colour('muted'), titleColor: colour('muted') };

const CONFIG: TopLevelSpec['config'] = {
  background: 'transparent',
  font: FONT,
  view: { stroke: null },
  title: { color: colour('ink'), fontSize: 14, fontWeight: 600, anchor: 'start', offset: 10 },
  axis: {
    ...text,
    grid: true,
    gridColor: colour('grid'),
    domainColor: colour('grid'),
    tickColor: colour('grid'),
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
  },
  legend: { ...text, labelColor: colour('ink'), labelFontSize: 12, symbolSize: 90, labelLimit: 260 },
};

/** The chart as SVG; colours may be names of the theme (`colour('ink')`). */
export async function renderChart(spec: TopLevelSpec): Promise<string> {
  const compiled = compile({ ...spec, config: { ...CONFIG, ...spec.config } });
  const view = new View(parse(compiled.spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
