import { errorCatalogue } from '../../src/platform/index.ts';

/** Returns `docs/reference/errors.md`, made from the catalogue. */
export function errorsDocument(): string {
  const rows = Object.entries(errorCatalogue)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { status, atlasCode, detail, remedy }]) => {
      const shown = atlasCode === undefined || atlasCode === code ? '' : `\`${atlasCode}\``;
      return `| \`${code}\` | ${status} | ${shown} | ${cell(detail)} | ${cell(remedy)} |`;
    });
  return [
    '# Errors',
    '',
    'For operators and programmers who have met an error. After reading its row you know what was wrong and what to do.',
    '',
    'These are all errors that a user can meet. `%` stands for a value. HTTP answers carry the code in `errorCode` and in the header `X-Error-Code`, or the Atlas ' +
      'code where there is one; the command line shows the code in brackets. Answers of the API say what to do in the header `X-Error-Remedy`, where `%` and ' +
      'everything but plain ASCII is percent-encoded.',
    '',
    '| code | HTTP | Atlas code | what was wrong | what to do |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
