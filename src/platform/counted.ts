/** A count with its noun, such as `1 view` or `1,234 views`, in every locale. @param many  by default `one` with an s */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}
