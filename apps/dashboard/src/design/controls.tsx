import {
  Button,
  Choice,
  CopyButton,
  CopyLink,
  Dialog,
  DialogActions,
  Field,
  Menu,
  MenuItem,
  Popover,
  Switch,
  TabPanel,
  Tabs,
  Tooltip,
  useReport,
  useToast,
} from '@holdfast/ui'
import { Plus, RotateCw, Search } from 'lucide-react'
import { useState } from 'react'
import { FAILURE } from './facts.ts'
import { Line, Specimen } from './specimen.tsx'

export function Controls() {
  return (
    <>
      <Specimen id="buttons" title="Buttons" note="Named by their verb; one primary a screen.">
        <Line>
          <Button look="primary" icon={Plus}>
            Add documents
          </Button>
          <Button icon={RotateCw}>Retry</Button>
          <Button look="quiet">Close</Button>
          <Button look="danger">Cancel ingestion</Button>
          <Button look="quiet" icon={Search} aria-label="Search" />
        </Line>
        <Line>
          <Button look="primary" disabled>
            Add documents
          </Button>
          <Button disabled>Retry</Button>
          <Button small icon={RotateCw}>
            Small
          </Button>
          <CopyLink />
          <CopyButton text="copied" label="Copy" />
        </Line>
      </Specimen>
      <Specimen id="fields" title="Fields" note="A label, a hint, and what is wrong with the value.">
        <Field label="Name" placeholder="Handbook" hint="Any name will do." />
        <Field label="Path" defaultValue="/etc" problem="That folder is outside the allowed roots." />
        <Field label="Search" hideLabel placeholder="Search" icon={Search} />
      </Specimen>
      <Specimen
        id="choices"
        title="Choices"
        note="A few of which one is chosen, views of one thing, and what is on or off."
      >
        <Choices />
      </Specimen>
      <Specimen
        id="overlays"
        title="Overlays"
        note="Dialog, menu, popover, tooltip. They open in the page's own theme."
      >
        <Overlays />
      </Specimen>
      <Specimen
        id="toasts"
        title="Toasts and errors"
        note="What was done passes by and can be taken back; what failed stays until it is closed."
      >
        <Toasts />
      </Specimen>
    </>
  )
}

function Choices() {
  const [choice, setChoice] = useState<'all' | 'failed'>('all')
  const [tab, setTab] = useState<'files' | 'search'>('files')
  const [isOn, setOn] = useState(true)
  return (
    <>
      <Choice<'all' | 'failed'>
        label="Filter"
        value={choice}
        onChange={setChoice}
        options={[
          { name: 'all', title: 'All' },
          { name: 'failed', title: 'Failed 3' },
        ]}
      />
      <Switch
        label="Tell me when work ends"
        hint="Only while this page is not in sight."
        checked={isOn}
        onChange={setOn}
      />
      <Switch
        label="Not offered here"
        hint="This browser knows no notifications."
        checked={false}
        onChange={setOn}
        disabled
      />
      <Tabs<'files' | 'search'>
        label="Tabs"
        value={tab}
        onChange={setTab}
        tabs={[
          { name: 'files', title: 'Files' },
          { name: 'search', title: 'Search' },
        ]}
      >
        <TabPanel name="files">What stands below the tab.</TabPanel>
        <TabPanel name="search">Something else.</TabPanel>
      </Tabs>
    </>
  )
}

function Overlays() {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Line>
        <Button onClick={() => setOpen(true)}>Dialog</Button>
        <Menu trigger={<Button>Menu</Button>}>
          <MenuItem icon={RotateCw} hint="Looks at every file" onSelect={() => {}}>
            All of it
          </MenuItem>
          <MenuItem icon={RotateCw} onSelect={() => {}}>
            What failed
          </MenuItem>
        </Menu>
        <Popover label="Details" trigger={<Button>Popover</Button>}>
          Details beside a button.
        </Popover>
        <Tooltip text="A few more words" keys="r">
          <Button icon={RotateCw}>Tooltip</Button>
        </Tooltip>
      </Line>
      <Dialog
        open={isOpen}
        onOpenChange={setOpen}
        title="Cancel this ingestion?"
        description="34 files stay searchable. 12 are left as they were."
      >
        <DialogActions>
          <Button onClick={() => setOpen(false)}>Keep it going</Button>
          <Button look="danger" onClick={() => setOpen(false)}>
            Cancel ingestion
          </Button>
        </DialogActions>
      </Dialog>
    </>
  )
}

function Toasts() {
  const toast = useToast()
  const report = useReport()
  const [name, setName] = useState('Keeping bees')
  const remove = () => {
    setName('')
    toast({ title: 'Keeping bees was removed', undo: { run: () => setName('Keeping bees') } })
  }
  return (
    <>
      <Line>
        <Button onClick={() => toast({ title: 'Link copied' })}>Done</Button>
        <Button onClick={remove} disabled={name === ''}>
          Remove, with undo
        </Button>
        <Button onClick={() => toast({ title: '3 files are left out', detail: 'They are empty.', tone: 'waiting' })}>
          Warning
        </Button>
        <Button onClick={() => report('It could not be tried again', FAILURE, { onRetry: () => {} })}>Error</Button>
      </Line>
      <p className="text-dense text-ink-2">{name === '' ? 'Nothing here.' : `${name} is here.`}</p>
    </>
  )
}
