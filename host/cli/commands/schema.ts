import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { GatewayError, reasonOf } from '../../errors.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'

/** Writes the JSON Schema of configurations. */
export const schemaCommand = defineCommand({
  name: 'schema',
  summary: 'write the JSON Schema of configurations, for editors',
  options: [{ flags: '--out <file>', description: 'where to', defaultText: 'standard output' }],
  examples: ['penstock schema --out gateway.schema.json'],
  async run({ options, io }) {
    // Loaded when it is used: the schemas of everything take a while.
    const { configSchemaText } = await import('../../objects/config-schema.ts')
    const text = configSchemaText()
    const out = options.text('out')
    if (out === undefined) {
      io.stdout.write(text)
      return EXIT.ok
    }
    try {
      writeFileSync(resolve(io.cwd, out), text)
    } catch (error) {
      throw new GatewayError('CLI_USAGE', { reason: `cannot write ${out}: ${reasonOf(error)}` })
    }
    const line = `# yaml-language-server: $schema=${out}`
    io.stdout.write(
      `wrote ${out}\nNext: begin gateway.yaml with "${line}"; editors with YAML support follow it.\n`,
    )
    return EXIT.ok
  },
})
