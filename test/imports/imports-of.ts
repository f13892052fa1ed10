import { parseSync } from '@swc/core';

export interface Import {
  /** The path as written: `../engine/index.ts`. */
  readonly specifier: string;
  /** Whether it imports only types, which do not exist at run time. */
  readonly typeOnly: boolean;
}

/** Imports by text: the tests check the whole source again and again, with one file changed. */
const parsed = new Map<string, readonly Import[]>();

/**
 * Returns all imports and re-exports of a TypeScript text: static ones, dynamic ones with a literal, and those in types (`import('…').X`).
 * dependency-cruiser does the same, but cannot read `using` declarations.
 * @param tsx  whether the text contains JSX
 */
export function importsOf(text: string, tsx = false): readonly Import[] {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const found: Import[] = [];
  visit(parseSync(text, { syntax: 'typescript', tsx, target: 'es2024' }), found);
  parsed.set(text, found);
  return found;
}

function visit(node: unknown, found: Import[]): void {
  if (Array.isArray(node)) {
    for (const each of node) visit(each, found);
  } else if (isNode(node)) {
    const specifier = specifierOf(node);
    if (specifier !== undefined) found.push({ specifier, typeOnly: isTypeOnly(node) });
    for (const each of Object.values(node)) visit(each, found);
  }
}

type SyntaxNode = Readonly<Record<string, unknown>>;

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null;
}

function specifierOf(node: SyntaxNode): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return literal(node.source);
    case 'TsImportType':
      return literal(node.argument);
    case 'CallExpression': {
      const callee = isNode(node.callee) ? node.callee.type : undefined;
      const [first] = Array.isArray(node.arguments) ? node.arguments : [];
      return callee === 'Import' && isNode(first) ? literal(first.expression) : undefined;
    }
    default:
      return undefined;
  }
}

function literal(node: unknown): string | undefined {
  return isNode(node) && node.type === 'StringLiteral' ? String(node.value) : undefined;
}

function isTypeOnly(node: SyntaxNode): boolean {
  if (node.type === 'TsImportType' || node.typeOnly === true) return true;
  const specifiers = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : [];
  return specifiers.length > 0 && specifiers.every(({ isTypeOnly }) => isTypeOnly === true);
}
