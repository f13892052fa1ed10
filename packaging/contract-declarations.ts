import type { z } from 'zod';
import * as contract from '../src/contract/index.ts';

type Def = z.core.$ZodTypes['_zod']['def'];

/**
 * Returns the declarations of types of `src/contract`, made of their schemas: the package has no zod.
 * @param names  the types; each has a schema of its name, in lower case at the beginning
 * @throws Error for a type without a schema, or a schema of a kind that has no declaration
 */
export function contractDeclarations(names: ReadonlySet<string>): string {
  const schemas = new Map([...names].map((name) => [schemaOf(name), name]));
  const types = [...schemas].toSorted(([, a], [, b]) => (a < b ? -1 : 1));
  return types
    .map(
      ([schema, name]) =>
        `export type ${name} = ${declare(schema, '', new Map([...schemas].filter(([one]) => one !== schema)))};\n`,
    )
    .join('\n');
}

function schemaOf(name: string): z.core.$ZodType {
  const schema = (contract as Readonly<Record<string, unknown>>)[`${name.charAt(0).toLowerCase()}${name.slice(1)}`];
  if (typeof schema !== 'object' || schema === null || !('_zod' in schema))
    throw new Error(`src/contract has no schema of ${name}`);
  return schema as z.core.$ZodType;
}

function declare(schema: z.core.$ZodType, indent: string, named: ReadonlyMap<z.core.$ZodType, string>): string {
  const name = named.get(schema);
  if (name !== undefined) return name;
  const inner = (one: z.core.$ZodType) => declare(one, indent, named);
  const def = schema._zod.def as Def;
  switch (def.type) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'unknown':
      return def.type;
    case 'literal':
      return def.values.map((value) => JSON.stringify(value)).join(' | ');
    case 'enum':
      return Object.values(def.entries)
        .map((value) => JSON.stringify(value))
        .join(' | ');
    case 'nullable':
      return `${inner(def.innerType)} | null`;
    case 'optional':
      return inner(def.innerType);
    case 'array':
      return `ReadonlyArray<${inner(def.element)}>`;
    case 'record':
      return `Readonly<Record<string, ${inner(def.valueType)}>>`;
    case 'union':
      return def.options.map(inner).join(' | ');
    case 'object': {
      const deeper = `${indent}  `;
      const fields = Object.entries(def.shape).map(([key, field]) => {
        const { description } = (field as z.ZodType).meta() ?? {};
        const about = description === undefined ? '' : `${deeper}/** ${description} */\n`;
        const optional = field._zod.def.type === 'optional' ? '?' : '';
        return `${about}${deeper}readonly ${key}${optional}: ${declare(field, deeper, named)};\n`;
      });
      return `{\n${fields.join('')}${indent}}`;
    }
    default:
      throw new Error(`no declaration of a schema of the kind ${def.type}`);
  }
}
