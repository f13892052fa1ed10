import { defineErrors } from '../define.ts';

/** Errors of filters and remaps, and of options that fit no selection. */
export const selectionErrors = defineErrors('migration', {
  INVALID_FILTER: {
    status: 400,
    detail: 'A namespace filter is not valid: %.',
    remedy:
      'Use the form {"database": "d", "collections": ["c"]}, or databaseRegex and collectionsRegex with pattern and options.',
  },
  FILTER_MATCHES_NOTHING: {
    status: 400,
    detail: '% names %, but the source has nothing with that name to migrate.',
    remedy:
      'Correct the name; names are case-sensitive. For a name that will exist on the source later, use databaseRegex or collectionsRegex with {"pattern": "^name$"}.',
  },
  PATTERN_MATCHES_NOTHING: {
    status: 200,
    severity: 'WARNING',
    detail: '% has %, which matches nothing on the source.',
    remedy: 'Correct the pattern, unless it is for names that will exist on the source later: it applies to those too.',
  },
  INVALID_DOCUMENT_FILTER: {
    status: 400,
    detail: 'The document filter of % is not valid: %.',
    remedy:
      'Use a query in Extended JSON that depends only on the document, for a collection that exists on the source.',
  },
  INVALID_REMAP: {
    status: 400,
    detail: 'The namespace remap is not valid: %.',
    remedy:
      'Use the form {"from": {"database": "a"}, "to": {"database": "b"}}, optionally with "collection" on both sides, for names that exist on the source.',
  },
  ACCOUNTS_NEED_WHOLE: {
    status: 400,
    detail: 'Linkspan migrates users and roles only with a whole cluster, without filters and remaps.',
    remedy:
      'Remove filters and remaps. Or migrate without users and roles, and create them on the destination by hand.',
  },
  SELECTION_CHANGED: {
    status: 409,
    detail:
      'Migration % was started with another selection (filters, document filters, remap, kept destination) than the current one.',
    remedy: 'Use the selection that it was started with, or start a new migration.',
  },
});
