// Before the first paint, so that a chosen theme or density does not flash. A file of its own: the page allows no inline
// scripts. Cached for good: a change needs another number in its name.
;(() => {
  try {
    const root = document.documentElement
    const theme = localStorage.getItem('holdfast.theme')
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme
    if (localStorage.getItem('holdfast.density') === 'compact') root.dataset.density = 'compact'
  } catch {
    // Storage is blocked: the system's theme it is.
  }
})()
