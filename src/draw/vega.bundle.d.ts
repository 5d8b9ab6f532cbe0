/** What draws charts. Built in (tools/build/bundles.mjs), so that nobody who installs this package installs vega's fifty. */
export { parse, View } from 'vega';
export { compile, type TopLevelSpec } from 'vega-lite';
