import { z } from 'zod';
import { issueOf } from '../http/index.ts';

/** Atlas's identifier. */
export const id = z
  .string()
  .regex(/^[a-f0-9]{24}$/, 'must be 24 lower-case hexadecimal digits')
  .meta({ example: '32b6e34b3d91647abb20e7b8' });

export const link = z
  .object({ href: z.string(), rel: z.string() })
  .meta({ id: 'Link', description: 'A link to a related resource.' });

/** What Atlas's clients send although only answers have it. */
export const readOnly = z
  .unknown()
  .optional()
  .meta({ description: 'Read-only: taken and without effect.', readOnly: true });

/** The body of an answer that says no more than its status. */
export const nothing = z.object({}).meta({ id: 'NoBody' });

/** A page of a list. */
export function page(name: string, item: z.ZodType): z.ZodType {
  return z
    .object({ links: z.array(link), results: z.array(item), totalCount: z.int().optional() })
    .meta({ id: `Paginated${name}` });
}

/** What a client may leave out, or send as null or, as the Atlas CLI does, as an empty string. */
export const absentOrText = z
  .string()
  .max(4096)
  .nullish()
  .transform((text) => (text ? text : null));

/** A name of the form that Atlas allows for it. */
export const name = (form: RegExp, most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .check((context) => {
      const { value } = context;
      if (!form.test(value)) context.issues.push({ ...issueOf('INVALID_ATTRIBUTE', ['name']), input: value });
    });

/** Every error of this API. */
export const apiError = z
  .object({
    detail: z.string().nullable(),
    error: z.int().meta({ description: 'The HTTP status.' }),
    errorCode: z.string(),
    parameters: z.array(z.string()).nullable().optional(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'ApiError' });
