import { useState } from 'react'

/**
 * For dialogs that no trigger of Radix opens: `onCloseAutoFocus` that gives the focus back to what had it when `open`
 * turned true. `isWanted` answers `false` where what was done in the dialog decides where the focus goes.
 */
export function useFocusReturn(open: boolean, isWanted: () => boolean = () => true): (event: Event) => void {
  const [wasOpen, setWasOpen] = useState(false)
  const [before, setBefore] = useState<Element | null>(null)
  // While it is drawn, before a field of it takes the focus.
  if (open !== wasOpen) {
    setWasOpen(open)
    if (open) setBefore(document.activeElement)
  }
  return (event) => {
    event.preventDefault()
    if (isWanted() && before instanceof HTMLElement) before.focus({ preventScroll: true })
  }
}
