#!/usr/bin/env node
'use strict'

var fs = require('fs')
var path = require('path')
var withNode = require('./with-node.cjs')

// A checkout runs its sources. An installed package has none of them, only what `npm run build` made:
// Node strips no types under node_modules.
var source = path.join(__dirname, '..', 'main.ts')
var built = path.join(__dirname, '..', '..', 'dist', 'main.js')

withNode(fs.existsSync(source) ? source : built, process.argv.slice(2))
