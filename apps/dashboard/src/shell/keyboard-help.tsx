import { Dialog, type HotkeyGroup, Key, keyNames, listHotkeys } from '@holdfast/ui'
import { Fragment } from 'react'

const GROUPS: readonly HotkeyGroup[] = ['Page', 'List', 'Go', 'Everywhere']

/** Every key that does something on the page as it stands, by what registered them. */
export default function KeyboardHelp({ open, onOpenChange }: { open: boolean; onOpenChange(open: boolean): void }) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Keyboard" description="What works on this page now.">
      <KeyLines />
    </Dialog>
  )
}

function KeyLines() {
  const lines = listHotkeys()
  return GROUPS.filter((group) => lines.some((line) => line.group === group)).map((group) => (
    <section key={group} className="mb-4 last:mb-0">
      <h3 className="mb-1.5 text-dense font-medium text-ink-3">{group}</h3>
      <dl className="grid grid-cols-[6.5rem_1fr] items-center gap-x-4 gap-y-1.5">
        {lines
          .filter((line) => line.group === group)
          .map(({ keys, what }) => (
            <Fragment key={what}>
              <dt className="flex flex-wrap gap-x-2 gap-y-1">
                {keys.map((one) => (
                  <Keys key={one} keys={one} />
                ))}
              </dt>
              <dd>{what}</dd>
            </Fragment>
          ))}
      </dl>
    </section>
  ))
}

function Keys({ keys }: { keys: string }) {
  const names = keyNames(keys)
  const then = keys.includes(' ') ? ' then ' : ' + '
  return (
    <span className="inline-flex gap-0.5">
      {names.map((name, index) => (
        <Fragment key={name}>
          {index > 0 && <span className="sr-only">{then}</span>}
          <Key>{name}</Key>
        </Fragment>
      ))}
    </span>
  )
}
