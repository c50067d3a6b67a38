// Before the first paint, so that a chosen theme does not flash. A file of its own: the page allows no inline scripts.
// Cached for good: a change needs another number in its name.
;(() => {
  try {
    const theme = localStorage.getItem('holdfast.theme')
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
  } catch {
    // Storage is blocked: the system's theme it is.
  }
})()
