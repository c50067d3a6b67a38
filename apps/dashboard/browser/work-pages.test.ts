import type { ScheduleView } from '@holdfast/protocol/runs'
import type { Page } from 'playwright-core'
import { noCredits } from './test-support/survey.ts'
import { answered, read } from './test-support/visitor.ts'
import { WorkServer } from './test-support/work-server.ts'
import { describeWithServer, eventually, expect, it } from './test-support/world.ts'

const groups = (page: Page) => page.getByTestId('failure-group')
const decision = (page: Page, id: string) => page.locator(`[data-testid=decision][data-run="${id}"]`)
const badge = (page: Page) => page.getByRole('navigation', { name: 'Main' }).getByTestId('decision-badge').first()

describeWithServer('failures', WorkServer.start, (world) => {
  const fail = async (count: number) => {
    const ids = await Promise.all(Array.from({ length: count }, () => world.server.begin(['wreck'])))
    for (const id of ids) await world.server.stands(id, 'failed')
    return ids
  }

  it('[PG55][O13b] stand by their cause, live, with one retry for all of it that says their number', async () => {
    const { server } = world
    const { page } = await world.visitor()
    await page.goto('/work/failures')
    await page.getByTestId('no-failures').waitFor()
    server.survey.break('wreck', noCredits())
    const ids = await fail(3)
    await eventually(() => groups(page).count()).toBe(1)
    await eventually(() => read(groups(page).first())).toMatch(
      /^3 runs: The harbour office gives no more permits until 1 December\.\s+survey\s+FORBIDDEN/,
    )
    await eventually(() => page.title()).toBe('3 failed · Failures · Holdfast')
    await groups(page).getByRole('link', { name: 'See them' }).click()
    await eventually(() => page.getByTestId('run-row').count()).toBe(3)
    expect(page.url()).toMatch(/status=failed&cause=[^&]+&retried=false|retried=false&cause=/)
    await page.goBack()

    server.survey.mend('wreck')
    await eventually(() => read(page.getByTestId('retry-group'))).toBe('Retry 3 runs')
    await page.getByTestId('retry-group').click()
    await page.getByTestId('no-failures').waitFor()
    await eventually(() => read(page.getByTestId('batch'))).toMatch(/^3 runs were tried again\./)
    for (const id of ids) {
      const { retriedBy } = await server.run(id)
      await server.stands(retriedBy ?? '', 'done')
    }
    // They stay, linked with what tries them.
    await page.goto('/work?status=failed')
    await eventually(() => page.getByRole('link', { name: 'tried again' }).count()).toBe(3)
    await page.goto('/work?status=done')
    await eventually(() => page.getByRole('link', { name: 'tries again' }).count()).toBe(3)
  })

  it('[PG55][O13c] where more have failed by then nothing is tried again, and the new number is told', async () => {
    const { server } = world
    server.survey.break('wreck', noCredits())
    await fail(1)
    const visitor = await world.visitor()
    visitor.expectTrouble(answered(409))
    const { page } = visitor
    await page.goto('/work/failures')
    await eventually(() => read(page.getByTestId('retry-group'))).toBe('Retry 1 run')
    const gate = Promise.withResolvers<void>()
    await page.route('**/api/runs/batches', async (route) => {
      await gate.promise
      await route.continue()
    })
    await page.getByTestId('retry-group').click()
    await fail(1)
    gate.resolve()
    await eventually(() => read(page.getByTestId('count-changed'))).toBe(
      'Nothing was done. You were told of 1 run, and now there are 2.',
    )
    await eventually(() => read(page.getByTestId('retry-group'))).toBe('Retry 2 runs')
  })
})

describeWithServer('decisions', WorkServer.start, (world) => {
  it('[PG56] a step of which nobody knows is decided, with what follows from each answer; the number stands in the rail', async () => {
    const { server } = world
    const { page } = await world.visitor()
    await page.goto('/work/decisions')
    await page.getByTestId('no-decisions').waitFor()
    server.survey.doubt('lighthouse')
    const id = await server.begin(['lighthouse'])
    await server.stands(id, 'waiting')
    await decision(page, id).waitFor()
    await eventually(() => read(badge(page))).toBe('1')
    await eventually(() => read(decision(page, id))).toMatch(
      /Was visit lighthouse done\?[\s\S]+how it ended is not known/,
    )
    const said = await read(decision(page, id))
    expect(said).toMatch(/It was done\s+The run goes on after it\./)
    expect(said).toMatch(/Do it again\s+If it was done before, its effect is had twice\./)
    expect(said).toMatch(/Fail the run\s+The run ends as failed/)
    const visits = server.survey.visited.length
    await page.getByTestId('decide-done').click()
    await page.getByRole('textbox', { name: /^Its result/ }).fill('{ "seals": ')
    expect(await page.getByTestId('confirm-done').isDisabled()).toBe(true)
    await page.getByRole('textbox', { name: /^Its result/ }).fill('{ "seals": 4 }')
    await page.getByTestId('confirm-done').click()
    await decision(page, id).waitFor({ state: 'detached' })
    await server.stands(id, 'done')
    expect(server.survey.visited.length).toBe(visits)
    await badge(page).waitFor({ state: 'detached' })
  })

  it('[PG56] it is done again, or the run fails, as is said', async () => {
    const { server } = world
    server.survey.doubt('buoy')
    const [again, failed] = [await server.begin(['buoy']), await server.begin(['buoy'])]
    for (const id of [again, failed]) await server.stands(id, 'waiting')
    server.survey.mend('buoy')
    const { page } = await world.visitor()
    await page.goto('/work/decisions')
    await eventually(() => read(badge(page))).toBe('2')
    await decision(page, again).getByTestId('decide-repeat').click()
    await server.stands(again, 'done')
    await decision(page, failed).getByTestId('decide-fail').click()
    await server.stands(failed, 'failed')
    await page.getByTestId('no-decisions').waitFor()
  })

  it('[PG56] approvals and questions are answered; what somebody else answered leaves by itself', async () => {
    const { server } = world
    const approve = await server.begin(['mole'], { question: 'Print 400 copies?' })
    const answer = await server.begin(['mole'], { word: 'copies' })
    const other = await server.begin(['mole'], { question: 'Print 2 copies?' })
    for (const id of [approve, answer, other]) await server.stands(id, 'waiting')
    const { page } = await world.visitor()
    await page.goto('/work/decisions')
    await decision(page, other).waitFor()
    expect(await read(decision(page, approve))).toContain('Print 400 copies?')
    await decision(page, approve).getByRole('textbox', { name: 'Comment' }).fill('On thin paper')
    await decision(page, approve).getByTestId('approve').click()
    await server.stands(approve, 'done')
    expect((await server.run(approve)).result).toMatchObject({ approval: { approved: true, comment: 'On thin paper' } })
    await decision(page, answer).getByRole('textbox', { name: 'Answer' }).fill('twelve')
    await decision(page, answer).getByTestId('answer').click()
    await server.stands(answer, 'done')
    expect((await server.run(answer)).result).toMatchObject({ answer: 'twelve' })
    await server.request('POST', `/api/runs/${other}/reject`, {})
    await page.getByTestId('no-decisions').waitFor()
  })

  it('[PG56][PG53] an answer to what was answered meanwhile is put back, and how it stands is told', async () => {
    const { server } = world
    const id = await server.begin(['mole'], { question: 'Print them?' })
    await server.stands(id, 'waiting')
    const visitor = await world.visitor()
    visitor.expectTrouble(answered(409))
    const { page } = visitor
    await page.goto('/work/decisions')
    const gate = Promise.withResolvers<void>()
    await page.route(`**/api/runs/${id}/approve`, async (route) => {
      await gate.promise
      await route.continue()
    })
    await decision(page, id).getByTestId('approve').click()
    await server.request('POST', `/api/runs/${id}/reject`, {})
    await server.stands(id, 'done')
    gate.resolve()
    const notice = page.getByTestId('notice').filter({ hasText: 'survey was not approved' })
    await notice.waitFor()
    expect(await read(notice)).toContain('It is done.')
  })
})

describeWithServer('schedules', WorkServer.start, (world) => {
  const schedules = async () =>
    (await world.server.request<{ items: ScheduleView[] }>('GET', '/api/schedules')).items.map(({ cron, paused }) => ({
      cron,
      paused,
    }))

  it('[PG54] one is read back in words before it is made, paused, removed, and made again by an undo', async () => {
    const visitor = await world.visitor()
    visitor.expectTrouble(answered(400))
    const { page } = visitor
    await page.goto('/work/schedules')
    await page.getByTestId('no-schedules').waitFor()
    await page.getByTestId('new-schedule').click()
    const dialog = page.getByRole('dialog')
    await page.getByTestId('schedule-kind').fill('survey')
    await page.getByTestId('schedule-cron').fill('0 25 * * *')
    expect(await page.getByTestId('add-schedule').isDisabled()).toBe(true)
    await page.getByTestId('schedule-cron').fill('30 6 * * 1')
    await dialog.getByRole('combobox', { name: 'Time zone' }).fill('Atlantic/Faroe')
    expect(await read(dialog)).toContain('At 06:30, only on Monday.')
    expect(await read(page.getByTestId('next-times'))).toMatch(/^Next: Mon \d+ \w+, 06:30 · Mon /)
    // The server has the last word on the input.
    await page.getByTestId('json-editor').fill('{ "places": [{}] }')
    await page.getByTestId('add-schedule').click()
    await eventually(() => read(page.getByTestId('json-problems'))).toMatch(/Line 1, places\S+: a name is expected/)
    await page.getByTestId('json-editor').fill('{ "places": [{ "name": "mole" }] }')
    await page.getByTestId('add-schedule').click()
    await dialog.waitFor({ state: 'detached' })
    const row = page.getByTestId('schedule')
    await eventually(() => read(row)).toMatch(
      /survey\s+30 6 \* \* 1\s+At 06:30, only on Monday, Atlantic\/Faroe\s+Next Mon \d+ \w+, 06:30/,
    )

    await page.getByTestId('pause-schedule').click()
    await eventually(() => read(row)).toMatch(/Paused[\s\S]+Does not come[\s\S]+Resume/)
    await eventually(schedules).toEqual([{ cron: '30 6 * * 1', paused: true }])
    await page.getByTestId('remove-schedule').click()
    await page.getByTestId('no-schedules').waitFor()
    await eventually(schedules).toEqual([])
    await page.getByTestId('notice').getByRole('button', { name: 'Undo' }).click()
    await eventually(schedules).toEqual([{ cron: '30 6 * * 1', paused: true }])
    await row.waitFor()
  })
})
