import { useEffect, useEffectEvent, useRef, useState } from 'react'

/** How long somebody has to stop typing before it counts, ms. */
const TYPING_MS = 180

/**
 * The text of a field that stands in the address: what is typed is given to `onSettled` once the typing pauses, and a
 * value that came otherwise (back, a link) is taken over. What is being typed is never overwritten by its own echo.
 */
export function useTypedText(value: string, onSettled: (text: string) => void): [string, (text: string) => void] {
  const [text, setText] = useState(value)
  const given = useRef(value)
  const settle = useEffectEvent((typed: string) => {
    given.current = typed
    onSettled(typed)
  })
  useEffect(() => {
    if (value === given.current) return
    given.current = value
    setText(value)
  }, [value])
  useEffect(() => {
    const typed = text.trim()
    if (typed === given.current) return
    const timer = setTimeout(() => settle(typed), TYPING_MS)
    return () => clearTimeout(timer)
  }, [text])
  return [text, setText]
}
