/** Learned vectors for the places of a grid. */
import type { Value } from '../graph/graph';
import { add } from '../ops/elementwise';
import { reshape } from '../ops/shape';
import type { Context } from './context';
import { Parameter } from './state';

/** Learned tokens and positions start as N(0, 0.02). */
export const TOKEN_INIT = { kind: 'normal', std: 0.02 } as const;

/** Places in rows and columns. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/** One vector a place. */
export class TablePosition {
  readonly embedding: Parameter;

  constructor({ rows, columns }: Grid, width: number) {
    this.embedding = new Parameter([rows * columns, width], TOKEN_INIT, false);
  }

  /** [rows * columns, D], row-major */
  apply(context: Context): Value {
    return context.value(this.embedding);
  }
}

/** A vector a row plus one a column. */
export class RowColumnPosition {
  readonly row: Parameter;
  readonly column: Parameter;

  constructor(
    private readonly grid: Grid,
    private readonly width: number,
  ) {
    this.row = new Parameter([grid.rows, width], TOKEN_INIT, false);
    this.column = new Parameter([grid.columns, width], TOKEN_INIT, false);
  }

  /** [rows * columns, D], row-major */
  apply(context: Context): Value {
    const { grid, width } = this;
    const rows = reshape(context.value(this.row), [grid.rows, 1, width]);
    const columns = reshape(context.value(this.column), [1, grid.columns, width]);
    return reshape(add(rows, columns), [grid.rows * grid.columns, width]);
  }
}

export const createPosition = (kind: 'table' | 'rowColumn', grid: Grid, width: number) =>
  kind === 'table' ? new TablePosition(grid, width) : new RowColumnPosition(grid, width);
