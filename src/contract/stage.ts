import { z } from 'zod';
import { STAGES, type Stage } from './stages.ts';

export const stage = z.enum(Object.keys(STAGES) as [Stage, ...Stage[]]).meta({
  description: 'The stage of the migration: of all that is true of it, what an operator has to know first.',
});
