import { Button, Menu, MenuItem } from '@holdfast/ui'
import { Braces, Download, Sheet } from 'lucide-react'
import { formatCount } from '../view.ts'

interface ExportMenuProps {
  /** `files`, `ingestions`. */
  what: string
  /** How many match the filters. */
  count: number
  path(format: 'csv' | 'json'): string
}

/** Takes all that match along as a document. */
export function ExportMenu({ what, count, path }: ExportMenuProps) {
  const hint = `All ${formatCount(count)} ${what} that match`
  return (
    <Menu
      trigger={
        <Button icon={Download} data-testid="export" aria-label={`Export the ${what}`}>
          <span className="max-sm:hidden">Export</span>
        </Button>
      }
    >
      <MenuItem icon={Sheet} hint={hint} onSelect={() => download(path('csv'))}>
        CSV, for spreadsheets
      </MenuItem>
      <MenuItem icon={Braces} hint={hint} onSelect={() => download(path('json'))}>
        JSON, for programs
      </MenuItem>
    </Menu>
  )
}

/** The browser writes it to the disk as it comes; the page never holds it. */
function download(path: string): void {
  const link = document.createElement('a')
  link.href = path
  link.download = ''
  link.click()
}
