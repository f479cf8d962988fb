import * as base64 from './base64.ts'
import { Body } from './body.ts'
import * as ctx from './context.ts'
import * as dates from './dates.ts'
import { Filter } from './filter.ts'
import * as hash from './hash.ts'
import { Headers } from './headers.ts'
import * as hex from './hex.ts'
import * as json from './json.ts'
import { Json } from './json-value.ts'
import * as jwt from './jwt.ts'
import * as log from './log.ts'
import * as parameters from './parameters.ts'
import { Pattern } from './pattern.ts'
import { refuse } from './problems.ts'
import { Request } from './request.ts'
import { Response } from './response.ts'
import { next, Reply, Result, reply, result } from './result.ts'
import { SetCookie } from './set-cookie.ts'
import * as store from './store.ts'
import { tag } from './tag.ts'
import { Text } from './text.ts'
import { now } from './time.ts'

export {
  Body,
  base64,
  ctx,
  dates,
  Filter,
  Headers,
  hash,
  hex,
  Json,
  json,
  jwt,
  log,
  next,
  now,
  Pattern,
  parameters,
  Reply,
  Request,
  Response,
  Result,
  refuse,
  reply,
  result,
  SetCookie,
  store,
  Text,
  tag,
}
