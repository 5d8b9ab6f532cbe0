/** Learned vectors for the places of a square grid. */
import type { Value } from '../graph/graph';
import { add } from '../ops/elementwise';
import { reshape } from '../ops/shape';
import type { Context } from './context';
import { Parameter } from './state';

/** Learned tokens and positions start as N(0, 0.02). */
export const TOKEN_INIT = { kind: 'normal', std: 0.02 } as const;

/** One vector a place. */
export class TablePosition {
  readonly embedding: Parameter;

  constructor(side: number, width: number) {
    this.embedding = new Parameter([side * side, width], TOKEN_INIT, false);
  }

  /** [side * side, D], row-major */
  apply(context: Context): Value {
    return context.value(this.embedding);
  }
}

/** A vector a row plus one a column. */
export class RowColumnPosition {
  readonly row: Parameter;
  readonly column: Parameter;

  constructor(
    private readonly side: number,
    private readonly width: number,
  ) {
    this.row = new Parameter([side, width], TOKEN_INIT, false);
    this.column = new Parameter([side, width], TOKEN_INIT, false);
  }

  /** [side * side, D], row-major */
  apply(context: Context): Value {
    const { side, width } = this;
    const rows = reshape(context.value(this.row), [side, 1, width]);
    const columns = reshape(context.value(this.column), [1, side, width]);
    return reshape(add(rows, columns), [side * side, width]);
  }
}

export const createPosition = (kind: 'table' | 'rowColumn', side: number, width: number) =>
  kind === 'table' ? new TablePosition(side, width) : new RowColumnPosition(side, width);
