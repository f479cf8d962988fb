import { chromium } from 'playwright-core'
import { runDev } from '/work/main/host/cli/dev/dev.ts'
import { fakeIo } from '/work/main/test/cli/support.ts'
import { writeFileSync } from 'node:fs'
const io = fakeIo({ cwd: '/tmp/insp-s' })
const r = runDev({ folder: 'session', config: null, inspectorPort: 0 }, io)
while (!/Ctrl-C stops/.test(io.out())) await new Promise(r => setTimeout(r, 100))
console.log(io.out())
const port = Number(/server +http:\/\/127\.0\.0\.1:(\d+)/.exec(io.out())?.[1])
const address = /http:\S+\/ui\/#key=\S+/.exec(io.out())?.[0] ?? ''
const b = await chromium.launch({executablePath:'/usr/bin/chromium', args:['--no-sandbox','--disable-gpu']})
const p = await b.newPage()
p.on('console', m => console.log('console', m.text())); p.on('pageerror', e => console.log('err', e))
await p.goto(address)
await p.getByText('live', { exact: true }).waitFor()
import { fetchFrom } from '/work/main/test/support/gateway.ts'
const send = (x: string) => fetchFrom(port, x, {headers:{cookie:'session=1'}})
await send('/first')
await p.getByRole('button', { name: 'Pause' }).click()
await send('/while-paused')
await p.getByText('paused, 1 waiting').waitFor()
await p.getByRole('button', { name: 'Go on' }).click()
await new Promise(r => setTimeout(r, 500))
console.log(io.logged.join('')); console.log(await p.locator('.entry').allTextContents(), await p.locator('.toolbar').textContent())
await p.screenshot({path:'/tmp/insp-dbg.png'})
await b.close(); io.signal('SIGINT'); await r
