import * as base64 from './base64.ts'
import { Body } from './body.ts'
import * as ctx from './context.ts'
import * as dates from './dates.ts'
import { Filter } from './filter.ts'
import * as functions from './functions.ts'
import * as hash from './hash.ts'
import { Headers } from './headers.ts'
import * as hex from './hex.ts'
import * as http from './http.ts'
import * as json from './json.ts'
import { Json } from './json-value.ts'
import * as jwt from './jwt.ts'
import * as log from './log.ts'
import { Counter, Gauge, Histogram } from './metrics.ts'
import { Outcome } from './outcome.ts'
import * as parameters from './parameters.ts'
import { Pattern } from './pattern.ts'
import { refuse } from './problems.ts'
import { Query } from './query.ts'
import * as random from './random.ts'
import { Request } from './request.ts'
import { Response } from './response.ts'
import { next, Reply, Result, reply, result } from './result.ts'
import * as secrets from './secrets.ts'
import { SetCookie } from './set-cookie.ts'
import * as store from './store.ts'
import { tag } from './tag.ts'
import { Text } from './text.ts'
import { now } from './time.ts'
import { Url } from './url.ts'

export {
  Body,
  base64,
  Counter,
  ctx,
  dates,
  Filter,
  functions,
  Gauge,
  Headers,
  Histogram,
  hash,
  hex,
  http,
  Json,
  json,
  jwt,
  log,
  next,
  now,
  Outcome,
  Pattern,
  parameters,
  Query,
  Reply,
  Request,
  Response,
  Result,
  random,
  refuse,
  reply,
  result,
  SetCookie,
  secrets,
  store,
  Text,
  tag,
  Url,
}
