import { defineErrors } from './define.ts';

/** The errors of the Atlas Administration API (atlas-api contract, error catalogue). */
export const apiErrors = defineErrors({});
