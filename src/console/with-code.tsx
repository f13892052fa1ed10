/** A text of the server, in which backticks enclose text that users type or programs read. */
export function WithCode({ content }: { readonly content: string }) {
  const parts = content.split('`').map((part, at) => (at % 2 === 1 ? <code key={`${at} ${part}`}>{part}</code> : part));
  return <>{parts}</>;
}
