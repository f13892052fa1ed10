import { defineErrors } from './define.ts';

/** What can go wrong between an agent and the control plane. */
export const linkErrors = defineErrors({});
