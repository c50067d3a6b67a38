/** A LIKE pattern for whatever contains the text; LIKE's own signs in it stand for themselves (`escape '\'`). */
export function likePattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`
}
