#!/usr/bin/env node
// `npm create penstock NAME` is `penstock new NAME`. Old syntax on purpose: any Node must be able to read this.
'use strict'

var path = require('path')

var gateway = path.dirname(require.resolve('@penstock/gateway/package.json'))

process.argv.splice(2, 0, 'new')
require(path.join(gateway, 'host', 'bin', 'penstock.cjs'))
