/** For jest: suites in the order in which `MUTATE_SUITES` has them, joined by commas. */
interface Test {
  readonly path: string;
}

export default class GivenOrder {
  sort(tests: readonly Test[]): Test[] {
    const order = (process.env.MUTATE_SUITES ?? '').split(',');
    const place = ({ path }: Test) => order.findIndex((suite) => path.endsWith(suite));
    return [...tests].sort((a, b) => place(a) - place(b));
  }

  shard = (tests: readonly Test[]) => tests;
  allFailedTests = (tests: readonly Test[]) => tests;
  cacheResults(): void {
    // nothing to order by the next time
  }
}
