/**
 * Options of commands whose replies or errors may contain users' values: JavaScript refuses some regular expressions that
 * servers accept. `Db.command` doesn't take them from the client's options (mongodb 7).
 */
// rule: keep-regular-expressions
export const REPLY_OPTIONS = { bsonRegExp: true } as const;
