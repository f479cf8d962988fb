import { readFile } from 'node:fs/promises'
import type { TestGateway } from './gateway.ts'

/** The text of /metrics, of a gateway that has an admin API. */
export async function metricsOf({ gateway, dir }: TestGateway): Promise<string> {
  const token = (await readFile(`${dir}/.penstock/admin.token`, 'utf8')).trim()
  const answer = await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`, {
    headers: { authorization: `Bearer ${token}` },
  })
  return await answer.text()
}

/** The value in the first group of `line`; NaN when there is no such line. */
export async function metric(at: TestGateway, line: RegExp): Promise<number> {
  return Number(line.exec(await metricsOf(at))?.[1] ?? Number.NaN)
}
