// Written by .ci/wat.ts from fuel.wat; do not change it by hand.

export const FUEL =
  'AGFzbQEAAAABCQJgAXwAYAABfAIYAQVndWVzdA1wZW5zdG9jazpmdWVsA34BAwMCAAEHDwIEZmlsbAAABGxlZnQAAQoQAggAIAD8BiQACwUAIwC5Cw=='
