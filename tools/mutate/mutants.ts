/** Small faults that a source file may have, found by its syntax: each is one edit of the text. */
import * as ts from 'typescript';

export interface Edit {
  /** places in the text */
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

export interface Mutant extends Edit {
  readonly kind: string;
}

type Rule = (node: ts.Node) => readonly (readonly [kind: string, at: ts.Node, text: string])[];

const K = ts.SyntaxKind;

/** By the operator, what stands in its place. */
const OPERATORS: Partial<Record<ts.SyntaxKind, readonly [kind: string, ...texts: string[]]>> = {
  [K.PlusToken]: ['arithmetic', '-'],
  [K.MinusToken]: ['arithmetic', '+'],
  [K.AsteriskToken]: ['arithmetic', '/'],
  [K.SlashToken]: ['arithmetic', '*'],
  [K.PercentToken]: ['arithmetic', '*'],
  [K.AsteriskAsteriskToken]: ['arithmetic', '*'],
  [K.PlusEqualsToken]: ['arithmetic', '-='],
  [K.MinusEqualsToken]: ['arithmetic', '+='],
  [K.AsteriskEqualsToken]: ['arithmetic', '/='],
  [K.SlashEqualsToken]: ['arithmetic', '*='],
  [K.LessThanToken]: ['boundary', '<='],
  [K.LessThanEqualsToken]: ['boundary', '<'],
  [K.GreaterThanToken]: ['boundary', '>='],
  [K.GreaterThanEqualsToken]: ['boundary', '>'],
  [K.EqualsEqualsEqualsToken]: ['comparison', '!=='],
  [K.ExclamationEqualsEqualsToken]: ['comparison', '==='],
  [K.AmpersandAmpersandToken]: ['boolean', '||'],
  [K.BarBarToken]: ['boolean', '&&'],
};

/** Methods and functions with a near relative. */
const RELATIVES: Readonly<Record<string, string>> = {
  min: 'max',
  max: 'min',
  floor: 'ceil',
  ceil: 'floor',
  round: 'floor',
  some: 'every',
  every: 'some',
};

/** Calls whose result is much like what they are called on. */
const PASSING = new Set(['filter', 'sort', 'reverse', 'map', 'subarray', 'slice']);

const isText = (node: ts.Node) =>
  ts.isStringLiteralLike(node) || ts.isTemplateExpression(node) || ts.isNumericLiteral(node);

const operators: Rule = (node) => {
  if (!ts.isBinaryExpression(node)) return [];
  const { operatorToken: token, left, right } = node;
  if (token.kind === K.QuestionQuestionToken) return [['nullish', node, left.getText()]];
  const joins = token.kind === K.PlusToken && [left, right].some((side) => ts.isStringLiteralLike(side));
  const [kind, ...texts] = (!joins && OPERATORS[token.kind]) || [''];
  return texts.map((text) => [kind, token, text]);
};

const unary: Rule = (node) => {
  if (!ts.isPrefixUnaryExpression(node)) return [];
  const text = node.operand.getText();
  if (node.operator === K.ExclamationToken) return [['boolean', node, text]];
  return node.operator === K.MinusToken ? [['arithmetic', node, text]] : [];
};

const conditions: Rule = (node) => {
  const condition = ts.isIfStatement(node)
    ? node.expression
    : ts.isConditionalExpression(node)
      ? node.condition
      : null;
  return condition ? ['true', 'false'].map((text) => ['condition', condition, text]) : [];
};

const constants: Rule = (node) => {
  if (node.kind === K.TrueKeyword) return [['constant', node, 'false']];
  if (node.kind === K.FalseKeyword) return [['constant', node, 'true']];
  if (ts.isNumericLiteral(node)) {
    const value = Number(node.text);
    return [['constant', node, String(Number.isInteger(value) && value < 10 ? value + 1 : 2 * value)]];
  }
  return ts.isStringLiteral(node) && node.text !== '' ? [['constant', node, `'not ${node.text}'`]] : [];
};

const calls: Rule = (node) => {
  if (!ts.isCallExpression(node)) return [];
  const { expression, arguments: given } = node;
  const found: (readonly [string, ts.Node, string])[] = [];
  if (ts.isPropertyAccessExpression(expression)) {
    const { name, expression: on } = expression;
    if (Object.hasOwn(RELATIVES, name.text)) found.push(['call', name, RELATIVES[name.text]]);
    if (PASSING.has(name.text)) found.push(['dropped call', node, on.getText()]);
  }
  const [first, second] = given;
  const same = /^Math\.(min|max|hypot)$/.test(expression.getText()) || first?.getText() === second?.getText();
  if (second && !same && ![first, second].some((each) => ts.isFunctionLike(each) || isText(each)))
    found.push(['swapped arguments', first, `${second.getText()}, ${first.getText()}`]);
  return found;
};

const statements: Rule = (node) =>
  ts.isExpressionStatement(node) && !node.getText().startsWith('super(')
    ? [['dropped statement', node, ';']]
    : [];

/** Options that do not arrive: a property of an object that is handed on. */
const properties: Rule = (node) =>
  (ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node) || ts.isSpreadAssignment(node)) &&
  !ts.isBinaryExpression(node.parent.parent)
    ? [['dropped property', node, '']]
    : [];

const RULES: readonly Rule[] = [operators, unary, conditions, constants, calls, statements, properties];

/** Code whose faults are no faults of what is computed: types, imports, and what errors say. */
function isOutside(node: ts.Node): boolean {
  if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return true;
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return true;
  return ts.isThrowStatement(node) || (ts.isNewExpression(node) && /Error$/.test(node.expression.getText()));
}

/** Every mutant of a file's text, in its order. */
export function mutantsOf(file: string, source: string): Mutant[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true);
  const found: Mutant[] = [];
  const visit = (node: ts.Node): void => {
    if (isOutside(node)) return;
    for (const [kind, at, text] of RULES.flatMap((rule) => rule(node)))
      found.push({ kind, ...rangeOf(node, kind, at, source), text });
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found.sort((a, b) => a.from - b.from || a.to - b.to);
}

/** Where the text goes: over two arguments, or with the comma behind a property. */
function rangeOf(node: ts.Node, kind: string, at: ts.Node, source: string): Pick<Edit, 'from' | 'to'> {
  const from = at.getStart();
  if (kind === 'swapped arguments') return { from, to: (node as ts.CallExpression).arguments[1].getEnd() };
  const comma = kind === 'dropped property' ? /^\s*,/.exec(source.slice(at.getEnd())) : null;
  return { from, to: at.getEnd() + (comma?.[0].length ?? 0) };
}

export const applyEdit = (source: string, { from, to, text }: Edit): string =>
  source.slice(0, from) + text + source.slice(to);
