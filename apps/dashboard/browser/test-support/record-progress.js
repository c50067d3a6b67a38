// Runs in the page before anything else: writes down every progress bar that falls, and tells of what the content
// security policy held back.
;(() => {
  const falls = []
  window.progressFalls = falls
  const seen = new Map()
  const look = (bar) => {
    const phases = bar.closest('[data-testid=phases]')
    // A bar belongs to what it tells of: the ingestion's address, its phase.
    const task = phases ? `${phases.dataset.ingestion} ${bar.ariaLabel}` : null
    if (task === null) return
    const now = Number(bar.getAttribute('aria-valuenow'))
    const before = seen.get(task) ?? 0
    if (now < before) falls.push({ bar: task, from: before, to: now })
    seen.set(task, Math.max(now, before))
  }
  const lookAll = (node) => {
    if (node instanceof Element) for (const bar of node.querySelectorAll('[role=progressbar]')) look(bar)
  }
  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === 'attributes') look(target)
      else for (const node of addedNodes) lookAll(node)
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['aria-valuenow'] })
  document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
    console.error(`held back by ${violatedDirective}: ${blockedURI}`)
  })
})()
