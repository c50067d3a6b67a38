import type axe from 'axe-core'
import type { Page } from 'playwright-core'
import type { Visitor } from './visitor.ts'

/** Serious and critical findings in what is shown. */
export async function findings(page: Page, place: string, rules?: string[]): Promise<string[]> {
  const options = { resultTypes: ['violations'], ...(rules && { runOnly: { type: 'rule', values: rules } }) }
  const { violations } = await page.evaluate<axe.AxeResults>(`axe.run(document, ${JSON.stringify(options)})`)
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${place}: ${id} ${target} ${failureSummary}`),
    )
}

/** What is too small for a thumb, or makes the page wider than the screen. */
export function tooSmallOrWide({ page }: Visitor, place: string): Promise<string[]> {
  return page.evaluate(`(() => {
    const found = []
    const { scrollWidth, clientWidth } = document.documentElement
    if (scrollWidth > clientWidth) found.push('${place}: the page is ' + scrollWidth + ' px wide')
    const targets = 'button, nav a, input:not([type=file]), [role=tab], [role=radio], [role=menuitem], [role=option]'
    for (const element of document.querySelectorAll(targets)) {
      if (!element.checkVisibility()) continue
      const { height, left, right } = element.getBoundingClientRect()
      const name = element.ariaLabel ?? element.innerText
      if (height < 40) found.push('${place}: ' + name + ' is ' + height + ' px high')
      if (left < 0 || right > clientWidth) found.push('${place}: ' + name + ' leaves the screen')
    }
    return found
  })()`)
}
