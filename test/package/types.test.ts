/** Every type that the declarations of the package name can be imported from it: strict programs have to write them down. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { exports as entries } from '../../package.json';
import { repositoryRoot } from '../support/paths';
import { inTemporaryFolder } from '../support/temporary';

const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.Node20,
  target: ts.ScriptTarget.ES2022,
  strict: true,
  types: [],
};

const isPrivate = (node: ts.Node) =>
  ts.canHaveModifiers(node) &&
  ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword) === true;

/** Types below `folder` that declarations reached from what `files` export name, but that none of them exports. */
function hiddenTypes(files: readonly string[], folder: string): string[] {
  const program = ts.createProgram([...files], OPTIONS);
  const checker = program.getTypeChecker();
  const resolve = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const known = new Set<ts.Symbol>();
  const hidden: string[] = [];

  const addExports = (module: ts.Symbol) => {
    for (const symbol of checker.getExportsOfModule(module).map(resolve)) {
      if (known.has(symbol)) continue;
      known.add(symbol);
      if (symbol.flags & ts.SymbolFlags.ValueModule) addExports(symbol);
    }
  };
  for (const file of files) {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`${file} exports nothing`);
    addExports(module);
  }

  const visit = (node: ts.Node): void => {
    if (isPrivate(node)) return;
    const named = ts.isIdentifier(node) ? checker.getSymbolAtLocation(node) : undefined;
    if (named !== undefined) {
      const symbol = resolve(named);
      const declaration = symbol.declarations?.[0];
      const own = declaration?.getSourceFile().fileName.startsWith(folder) === true;
      const isType = symbol.flags & (ts.SymbolFlags.Type & ~ts.SymbolFlags.TypeParameter);
      if (own && isType && !known.has(symbol)) {
        known.add(symbol);
        hidden.push(`${symbol.name} of ${path.relative(folder, declaration.getSourceFile().fileName)}`);
        declaration.forEachChild(visit);
      }
    }
    node.forEachChild(visit);
  };
  for (const symbol of [...known])
    if (!(symbol.flags & ts.SymbolFlags.ValueModule)) symbol.declarations?.forEach(visit);
  return hidden.sort();
}

test('the entries of the package hide no type', () => {
  const files = Object.values(entries).flatMap((entry) =>
    typeof entry === 'string' ? [] : path.join(repositoryRoot, entry.types),
  );
  expect(files).toHaveLength(3);
  expect(hiddenTypes(files, path.join(repositoryRoot, 'dist'))).toEqual([]);
});

test('a type that is hidden is found, also behind another and in a namespace; what is private is not looked at', () =>
  inTemporaryFolder((folder) => {
    mkdirSync(path.join(folder, 'deep'));
    writeFileSync(
      path.join(folder, 'deep', 'a.d.ts'),
      `export interface Second { readonly n: number }
      export interface First { readonly second: Second }
      export interface Inside {}
      export interface Unseen {}
      export declare function g(): Inside;
      export declare class Box<T> { private unseen: Unseen; first: First; value: T }`,
    );
    const index = path.join(folder, 'index.d.ts');
    writeFileSync(index, `export { Box } from './deep/a';\nexport * as all from './names';`);
    writeFileSync(path.join(folder, 'names.d.ts'), `export { g } from './deep/a';`);
    const expected = ['First', 'Inside', 'Second'].map((name) => `${name} of ${path.join('deep', 'a.d.ts')}`);
    expect(hiddenTypes([index], folder)).toEqual(expected);
  }));
