/** Mutants that no test can or need tell from the program, with the reason; each as the table names it, without its line. */

export interface Accepted {
  /** the end of its title, from the kind on */
  readonly file: string;
  readonly mutant: string;
  readonly reason: string;
}

export const ACCEPTED: readonly Accepted[] = [
  {
    file: 'src/data/batches/decodeWorker.ts',
    mutant: 'open?.unlabelled?.close(); => ;',
    reason: 'the thread ends there, and Node closes its files',
  },
  {
    file: 'src/evaluation/lbfgs.ts',
    mutant:
      'else if (dot(at.gradient, direction) < CURVATURE * slope) low = step; => else if (dot(at.gradient, direction) <= CURVATURE * slope) low = step;',
    reason: 'two rounded products are hardly ever equal, and either step is as good',
  },
  {
    file: 'src/evaluation/lbfgs.ts',
    mutant:
      'for (let i = 0; i < target.length; i++) target[i] += factor * other[i]; => for (let i = 0; i <= target.length; i++) target[i] += factor * other[i];',
    reason: 'a typed array ignores what is written behind its end',
  },
  {
    file: 'src/evaluation/lbfgs.ts',
    mutant: 'const curvature = dot(s, y); => const curvature = dot(y, s);',
    reason: 'a product of two vectors is the same in either order',
  },
  {
    file: 'src/evaluation/features.ts',
    mutant: "...(graph === 'encoder' && { batch: BATCH, patchOrder: undefined }), => ",
    reason:
      'the same features in smaller batches, with patch orders that nothing asks for: slower, which a benchmark shows',
  },
  {
    file: 'src/evaluation/lbfgs.ts',
    mutant:
      'if (!(at.value <= value + DECREASE * step * slope + rounding)) high = step; => if (!(at.value < value + DECREASE * step * slope + rounding)) high = step;',
    reason: 'two rounded numbers are hardly ever equal, and either step is as good',
  },
  {
    file: 'src/evaluation/linearProbe.ts',
    mutant:
      'results.push({ c, accuracy: accuracy(classify(model, test), test.labels), model }); => results.push({ c, accuracy: accuracy(test.labels, classify(model, test)), model });',
    reason: 'it counts equal places, which are the same in either order',
  },
  {
    file: 'src/passes/recomputePlan.ts',
    mutant: 'return this.order.get(node) ?? -1; => return this.order.get(node) ?? -2;',
    reason: 'both are before every node',
  },
  {
    file: 'src/passes/recomputePlan.ts',
    mutant:
      'for (const node of this.graph.nodes.slice(this.at(this.uses(value)[0]))) { => for (const node of this.graph.nodes) {',
    reason:
      'no node before the first use of a value uses it or what is made of it; it is looked at for nothing',
  },
  {
    file: 'src/optim/sgd.ts',
    mutant:
      'g = mul(g, where(and(greater(weightNorm, 0), greater(gradientNorm, 0)), ratio, 1)); => g = mul(g, where(and(greater(gradientNorm, 0), greater(weightNorm, 0)), ratio, 1));',
    reason: 'and has no order',
  },
  {
    file: 'src/passes/buffers.ts',
    mutant:
      'return { inputs: inputs.map((v) => (v && sameShape(v.shape, output.shape) ? widen(v) : v)), attrs }; => return { inputs: inputs.map((v) => (v && sameShape(output.shape, v.shape) ? widen(v) : v)), attrs };',
    reason: 'equality of shapes has no order',
  },
  {
    file: 'src/passes/buffers.ts',
    mutant:
      "return [a, b].some((v) => v.node?.op.type === 'Transpose') ? null : { inputs: [a, widen(b)], attrs }; => return false ? null : { inputs: [a, widen(b)], attrs };",
    reason: 'the same numbers, slower: the runtime no longer fuses the transpose, which a benchmark shows',
  },
  {
    file: 'src/training/startFrom.ts',
    mutant:
      'for (const { name } of manifest.state.filter(isAverage)) { => for (const { name } of manifest.state) {',
    reason:
      'no name of a state without its first letters is that of another one, so that nothing else is found',
  },
];
