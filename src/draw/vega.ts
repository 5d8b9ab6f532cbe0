/** Vega-Lite to SVG text, in Node and without a browser. The only importer of vega and vega-lite. */
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { colour, FONT } from './theme';

export type { TopLevelSpec } from 'vega-lite';

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
