/** TypeScript for the mutants: which of them it refuses anyway, and what the others compile to. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as ts from 'typescript';

function settingsOf(root: string): ts.ParsedCommandLine {
  const file = path.join(root, 'tsconfig.json');
  return ts.parseJsonConfigFileContent(
    ts.readConfigFile(file, (name) => ts.sys.readFile(name)).config,
    ts.sys,
    root,
  );
}

/** Checks one changed file at a time against all the others as they are. */
export class Checker {
  private readonly changed = new Map<string, { version: number; text: string | null }>();
  private readonly service: ts.LanguageService;

  constructor(private readonly root: string) {
    const { fileNames, options } = settingsOf(root);
    const textOf = (file: string) => this.changed.get(file)?.text ?? ts.sys.readFile(file);
    this.service = ts.createLanguageService({
      ...ts.sys,
      getCompilationSettings: () => ({ ...options, noUnusedLocals: false, noUnusedParameters: false }),
      getScriptFileNames: () => fileNames,
      getScriptVersion: (file) => String(this.changed.get(file)?.version ?? 0),
      getScriptSnapshot: (file) => {
        const text = textOf(file);
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
      },
      useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
      getCurrentDirectory: () => root,
      getDefaultLibFileName: (of) => ts.getDefaultLibFilePath(of),
    });
  }

  /** Whether `text` in the place of `file` (a path from the root) compiles. */
  accepts(file: string, text: string): boolean {
    const full = path.join(this.root, file);
    const version = (this.changed.get(full)?.version ?? 0) + 1;
    this.changed.set(full, { version, text });
    const errors = [
      ...this.service.getSyntacticDiagnostics(full),
      ...this.service.getSemanticDiagnostics(full),
    ];
    this.changed.set(full, { version: version + 1, text: null });
    return errors.length === 0;
  }
}

/** What one file compiles to, as tsc does it. */
export function compile(root: string, file: string, text: string): string {
  const { options } = settingsOf(root);
  return ts.transpileModule(text, { compilerOptions: { ...options, sourceMap: false }, fileName: file })
    .outputText;
}

export const sourceOf = (root: string, file: string): string => readFileSync(path.join(root, file), 'utf8');
