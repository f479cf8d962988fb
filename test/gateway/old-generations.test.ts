import { readFile } from 'node:fs/promises'
import { Cleanup, startGateway, startUpstream, until } from '../support/gateway.ts'
import { onePipeline, proxyTo } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/old-generations', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

test('a generation whose exchange goes on is seen in the metrics until it ends, and past 16 in the log', async () => {
  const waiting: (() => void)[] = []
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    waiting.push(() => outgoing.end('ok'))
  })
  const config = (data: number): string =>
    onePipeline(proxyTo(upstream.url), `data: { n: ${data} }`)
  const { gateway, get, lines, write, dir } = await startGateway(
    cleanup,
    config(0),
    {},
    {
      watch: false,
      admin: { address: '127.0.0.1', port: 0 },
    },
  )
  const token = (await readFile(`${dir}/.penstock/admin.token`, 'utf8')).trim()
  const retiring = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const text = await answer.text()
    assert.match(text, /penstock_generations\{state="serving"\} 2/)
    return Number(/penstock_generations\{state="retiring"\} (\d+)/.exec(text)?.[1])
  }
  assert.is(await retiring(), 0)
  const answers: ReturnType<typeof get>[] = []
  for (let i = 1; i <= 17; i++) {
    answers.push(get('/'))
    await until(() => waiting.length === i, 'the upstream was asked')
    await write('gateway.yaml', config(i))
    assert.equal(await gateway.reload(), [])
  }
  assert.is(await retiring(), 17)
  assert.is(lines.filter((line) => line.includes('many old generations')).length, 1)
  for (const answer of waiting) answer()
  for (const answer of answers) assert.is((await answer).status, 200)
  await until(async () => (await retiring()) === 0, 'all of them are closed')
})
