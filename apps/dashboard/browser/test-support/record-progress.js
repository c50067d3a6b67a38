// Runs in the page before anything else. Writes down every bar of a phase that falls, over reloads too.
;(() => {
  const KEY = 'test.progress'
  const record = JSON.parse(sessionStorage.getItem(KEY) ?? '{ "most": {}, "falls": [] }')
  window.progressFalls = record.falls
  const look = (bar) => {
    const phases = bar.closest('[data-testid=phases]')
    if (phases === null) return
    // A bar without an ingestion would be a guess at one that was not read yet.
    const task = `${phases.dataset.ingestion ?? 'unknown'} ${bar.getAttribute('aria-label')}`
    const now = Number(bar.getAttribute('aria-valuenow'))
    const most = record.most[task] ?? 0
    if (now < most || phases.dataset.ingestion === undefined) record.falls.push({ bar: task, from: most, to: now })
    record.most[task] = Math.max(now, most)
    sessionStorage.setItem(KEY, JSON.stringify(record))
  }
  const lookWithin = (node) => {
    if (node instanceof Element) for (const bar of node.querySelectorAll('[role=progressbar]')) look(bar)
  }
  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === 'attributes') look(target)
      else for (const node of addedNodes) lookWithin(node)
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['aria-valuenow'] })
})()
