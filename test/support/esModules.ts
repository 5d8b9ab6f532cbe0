/** Jest's `require` takes no ES modules before Node 24.9: it takes those of packages as Node loads them (environment.ts). */
export default {
  process: (_source: string, file: string) => ({
    code: `module.exports = requireOutside(${JSON.stringify(file)});`,
  }),
};
