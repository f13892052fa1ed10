import { z } from 'zod';
import { issueOf } from '../http/index.ts';

/** Schema of an Atlas identifier. */
export const id = z
  .string()
  .regex(/^[a-f0-9]{24}$/, 'must be 24 lower-case hexadecimal digits')
  .meta({ example: '32b6e34b3d91647abb20e7b8' });

export const link = z
  .object({ href: z.string(), rel: z.string() })
  .meta({ id: 'Link', description: 'A link to a related resource.' });

/** A read-only attribute that Atlas's clients send although only answers have it. */
export const readOnly = z
  .unknown()
  .optional()
  .meta({ description: 'Read-only: accepted without effect.', readOnly: true });

/** An empty body of an answer. */
export const nothing = z.object({}).meta({ id: 'NoBody' });

/** Schema of a page of a list. */
export function page(name: string, item: z.ZodType): z.ZodType {
  return z
    .object({ links: z.array(link), results: z.array(item), totalCount: z.int().optional() })
    .meta({ id: `Paginated${name}` });
}

/** An optional text. A client may omit it, or send null or, as the Atlas CLI does, an empty string. */
export const absentOrText = z
  .string()
  .max(4096)
  .nullish()
  .transform((text) => (text ? text : null));

/** Schema of a name in the form that Atlas allows. @param characters  that form, in words that follow "It has only" */
export const name = (form: RegExp, most: number, characters: string) =>
  z
    .string()
    .min(1)
    .max(most)
    .check((context) => {
      const { value } = context;
      if (!form.test(value)) context.issues.push({ ...issueOf('INVALID_NAME', ['name', characters]), input: value });
    });

/** Schema of every error of this API. */
export const apiError = z
  .object({
    detail: z.string().nullable(),
    error: z.int().meta({ description: 'The HTTP status.' }),
    errorCode: z.string(),
    parameters: z.array(z.string()).nullable().optional(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'ApiError' });
