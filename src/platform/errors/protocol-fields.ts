/** Fields that the driver adds to every command, and that servers quote in errors. Each begins an object. */
const PROTOCOL_FIELD = /,? *"?(?:lsid|\$clusterTime|signature)"?: \{/g;

/**
 * A server's message without sessions, cluster times and signatures, which help no reader. The time it takes is linear in the text's length; an
 * object that the server cut off ends with the text.
 */
export function withoutProtocolFields(text: string): string {
  let kept = '';
  let from = 0;
  for (const { 0: begin, index } of text.matchAll(PROTOCOL_FIELD)) {
    // It is inside an object that is left out already.
    if (index < from) continue;
    kept += text.slice(from, index);
    from = endOfObject(text, index + begin.length);
  }
  return kept + text.slice(from);
}

/** @param at  the place after the object's first brace */
function endOfObject(text: string, at: number): number {
  let depth = 1;
  let end = at;
  while (depth > 0 && end < text.length) {
    if (text[end] === '{') depth += 1;
    if (text[end] === '}') depth -= 1;
    end += 1;
  }
  return end;
}
