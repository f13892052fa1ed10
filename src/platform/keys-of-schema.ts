import type { z } from 'zod';

/** The parts of a schema's definition that lead to other schemas. */
interface Definition {
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly valueType?: z.ZodType;
}

/** The keys that a schema knows of the object at a path; none where there is no such object. */
export function keysOfSchema(schema: z.ZodType | undefined, path: readonly PropertyKey[]): string[] {
  if (schema === undefined) return [];
  const { shape, element, innerType, valueType } = schema.def as Definition;
  if (innerType !== undefined) return keysOfSchema(innerType, path);
  const [step, ...rest] = path;
  if (step === undefined) return Object.keys(shape ?? {});
  return keysOfSchema(shape?.[String(step)] ?? element ?? valueType, rest);
}
