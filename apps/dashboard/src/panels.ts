import { ingestPanel } from '@holdfast/ingest/panel'
import type { Panel } from '@holdfast/ui'
import { workPanel } from './work/panel.tsx'

/** The apps whose panels this page shows; taking a line out takes the app out of the page. */
export const panels: Panel[] = [ingestPanel, workPanel]
