import { defineCommand } from '../command.ts'

/** Measures a plugin. */
export const benchCommand = defineCommand({
  name: 'bench',
  summary: 'measure what a plugin costs per request',
  arguments: [{ name: '<file>', description: 'a module, for instance build/limit.wasm' }],
  options: [
    {
      flags: '-p, --parameter <name=value>',
      description: 'a parameter of the plugin; repeatable',
      isRepeatable: true,
    },
    {
      flags: '--secret <name=value>',
      description: 'a secret of the plugin; repeatable',
      isRepeatable: true,
    },
    {
      flags: '--key <name=algorithm:file>',
      description:
        'a key it has tokens verified with, in a file as `keys:` of a filter takes it; repeatable',
      isRepeatable: true,
    },
    {
      flags: '--request <file>',
      description:
        'JSON with method, path, headers, body and upstream of the request to measure with',
      defaultText: 'a GET with ten headers, answered with 1 KB of JSON',
    },
    {
      flags: '--compare <file>',
      description: 'another module, measured interleaved with this one',
    },
    {
      flags: '--budget <limits>',
      description:
        'limits such as p99=50us,hostcalls=6,memory=4MiB; exit code 1 when one is exceeded',
    },
    {
      flags: '--duration <seconds>',
      description: 'how long each isolation level runs',
      defaultText: '1',
    },
    { flags: '--json', description: 'the results as JSON' },
    { flags: '--markdown', description: 'the results as Markdown tables, for a pull request' },
  ],
  examples: [
    'penstock bench build/limit.wasm',
    'penstock bench build/limit.wasm --budget hostcalls=6,fuel=20k,memory=1MiB',
    'penstock bench build/limit.wasm --compare main/limit.wasm --markdown',
    'penstock bench build/login.wasm --key login=ES256:login.pub.pem --request bench.json',
  ],
  async run(call) {
    // Loaded when it is used: it brings everything that runs plugins.
    const { bench } = await import('./bench.ts')
    return await bench(call)
  },
})
