/** Texts of the documents that differed. */
export const mismatchesText = {
  classes: {
    MISSING: 'missing',
    EXTRA: 'extra',
    DIFFERENT: 'different',
    FIELD_ORDER: 'field order',
    CAPPED_ORDER: 'capped order',
  },
  open: 'still differs',
  repaired: 'repaired',
  latest: (shown: string, all: string) => `The latest ${shown} of ${all}:`,
  download: (all: string) => `Download all ${all} as NDJSON`,
  loading: (done: string, all: string) => `Loading ${done} of ${all}…`,
  incomplete: (saved: string, all: string) =>
    `The file has ${saved} of ${all} documents. The agent has not sent the others yet.`,
  /** Before the text of the problem. */
  failed: 'Nothing was saved.',
} as const;
