/** What the profile's page draws with: a script for browsers that is built in (tools/build/bundles.mjs). */
export { select } from 'd3-selection';
export { default as flamegraph } from 'd3-flame-graph';
