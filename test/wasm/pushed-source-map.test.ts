import { GatewayError } from '../../host/errors.ts'
import { keptSourceMap } from '../../host/wasm/pushed-source-map.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('wasm/pushed-source-map')

const MAP = { version: 3, sources: ['index.ts', null], names: [], mappings: 'AAAA,EAEC,ECDA;A' }

const keep = (map: unknown) =>
  JSON.parse(keptSourceMap(Buffer.from(JSON.stringify(map))).toString('utf8'))

/** Why a map is refused; "" when it is kept. */
function refusal(bytes: Uint8Array): string {
  try {
    keptSourceMap(bytes)
    return ''
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'PLUGIN_SOURCE_MAP') throw error
    return error.message
  }
}

test('what leads to places is kept, the sources themselves are not', () => {
  const sent = {
    ...MAP,
    sourceRoot: './limit',
    sourcesContent: ['export class Limit {}'],
    file: 'x',
  }
  assert.equal(keep(sent), { ...MAP, sourceRoot: './limit' })
  const { names: _, ...bare } = MAP
  assert.equal(keep(bare), MAP)
})

test('a map that is none is refused, and the reason says what is wrong with it', () => {
  const cases: [map: unknown, reason: string][] = [
    [[], 'it is no JSON object'],
    [null, 'it is no JSON object'],
    [{ ...MAP, version: 2 }, 'its field version is not that of a map of version 3'],
    [{ ...MAP, sources: 'index.ts' }, 'its field sources is not'],
    [{ ...MAP, sources: [1] }, 'its field sources.0 is not'],
    [{ ...MAP, mappings: undefined }, 'its field mappings is not'],
    [{ version: 3, sections: [] }, 'its field sources is not'],
  ]
  for (const [map, reason] of cases) {
    assert.match(refusal(Buffer.from(JSON.stringify(map))), reason)
  }
  for (const bytes of [Buffer.alloc(0), Buffer.from('\0asm'), Buffer.from([0x22, 0xff, 0x22])]) {
    assert.match(refusal(bytes), 'it is no JSON text')
  }
})

test('mappings that would fail when a trap needs them are refused', () => {
  const cases: [mappings: string, reason: string][] = [
    ['AA', 'damaged at 2'],
    ['AAA,AAAA', 'damaged at 3'],
    ['AAAAAA', 'damaged at 5'],
    ['AAA!', 'damaged at 3'],
    ['AAAé', 'damaged at 3'],
    ['AAAg', 'damaged at 4'],
    ['gggggggggA', 'damaged at 7'],
    ['AEAA', 'its mappings name source 2, and it has 2'],
    ['ADAA', 'its mappings name source -1, and it has 2'],
    ['ACAA,ACAA', 'its mappings name source 2, and it has 2'],
  ]
  for (const [mappings, reason] of cases) {
    const bytes = Buffer.from(JSON.stringify({ ...MAP, mappings }))
    assert.match(refusal(bytes), reason, mappings)
  }
  for (const mappings of ['', ';;', 'A', 'AAAA,', 'AAAAA', 'ACAA,ADAA;ACAA', '+/////DAAA']) {
    assert.is(refusal(Buffer.from(JSON.stringify({ ...MAP, mappings }))), '', mappings)
  }
})
