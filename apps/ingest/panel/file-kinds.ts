const KINDS: Record<string, string> = {
  markdown: 'Markdown',
  text: 'Text',
  html: 'HTML',
  pdf: 'PDF',
  docx: 'Word',
  code: 'Code',
}

/** What people call a file's type. */
export function kindOf(type: string | null): string {
  return type === null ? '–' : (KINDS[type] ?? type)
}
