import type { BodyRecord, RequestState, ResponseState } from '../../inspect/record.ts'
import { commonEnds, type DiffRow, diffLines } from './diff.ts'
import {
  bodyLines,
  describeBody,
  headerLines,
  headerName,
  requestLines,
  statusLines,
} from './message-text.ts'

interface Sides<T> {
  readonly before: T | undefined
  readonly after: T | undefined
}

/** A request before and after a filter, side by side; in one column when nothing was changed. */
export function RequestDiff({ before, after }: Sides<RequestState>) {
  return (
    <Comparison
      title="Request"
      isSame={before === after}
      groups={[
        ['Line', diffLines(lines(before, requestLines), lines(after, requestLines))],
        ['Headers', compareHeaders(before?.headers, after?.headers)],
        [`Body: ${bodyTitle(before?.body, after?.body)}`, compareBodies(before?.body, after?.body)],
      ]}
    />
  )
}

export function ResponseDiff({ before, after }: Sides<ResponseState>) {
  return (
    <Comparison
      title="Response"
      isSame={before === after}
      isNew={before === undefined}
      isGone={after === undefined}
      groups={[
        ['Status', diffLines(lines(before, statusLines), lines(after, statusLines))],
        ['Headers', compareHeaders(before?.headers, after?.headers)],
        [`Body: ${bodyTitle(before?.body, after?.body)}`, compareBodies(before?.body, after?.body)],
      ]}
    />
  )
}

function lines<T>(state: T | undefined, of: (state: T) => string[]): string[] {
  return state === undefined ? [] : of(state)
}

function compareHeaders(
  before: readonly string[] | undefined,
  after: readonly string[] | undefined,
): DiffRow[] {
  return diffLines(lines(before, headerLines), lines(after, headerLines), headerName)
}

function compareBodies(before: BodyRecord | undefined, after: BodyRecord | undefined): DiffRow[] {
  return diffLines(lines(before, bodyLines), lines(after, bodyLines))
}

function bodyTitle(before: BodyRecord | undefined, after: BodyRecord | undefined): string {
  const [was, is] = [before, after].map((body) => (body === undefined ? '' : describeBody(body)))
  return was === is || was === '' ? (is ?? '') : is === '' ? (was ?? '') : `${was} → ${is}`
}

interface ComparisonProps {
  readonly title: string
  readonly isSame: boolean
  /** There was none before: one column. */
  readonly isNew?: boolean
  /** There is none any more: one column. */
  readonly isGone?: boolean
  readonly groups: readonly (readonly [title: string, rows: readonly DiffRow[]])[]
}

function Comparison({ title, isSame, isNew = false, isGone = false, groups }: ComparisonProps) {
  const isPlain = isSame || isNew || isGone
  const note = isNew ? 'made here' : isGone ? 'taken away here' : isSame ? 'unchanged' : 'changed'
  return (
    <section class="comparison" aria-label={title}>
      <h4>
        {title} <small class={isPlain ? '' : 'changed'}>{note}</small>
      </h4>
      <table class={isPlain ? 'plain' : 'sides'}>
        {!isPlain && (
          <thead>
            <tr>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
        )}
        {groups.map(([name, rows]) => (
          <tbody key={name}>
            <tr class="group">
              <th scope="rowgroup" colSpan={2}>
                {name}
              </th>
            </tr>
            {rows.map((row, index) => (
              <Row key={index} row={row} isPlain={isPlain} />
            ))}
          </tbody>
        ))}
      </table>
    </section>
  )
}

function Row({ row, isPlain }: { row: DiffRow; isPlain: boolean }) {
  const { kind, left, right } = row
  if (isPlain) {
    return (
      <tr>
        <td colSpan={2}>{right ?? left}</td>
      </tr>
    )
  }
  const [start, end] = kind === 'changed' ? commonEnds(left ?? '', right ?? '') : [0, 0]
  return (
    <tr class={kind}>
      <td class="before">
        {left !== null && <Side text={left} kind={kind} is="del" start={start} end={end} />}
      </td>
      <td class="after">
        {right !== null && <Side text={right} kind={kind} is="ins" start={start} end={end} />}
      </td>
    </tr>
  )
}

interface SideProps {
  readonly text: string
  readonly kind: DiffRow['kind']
  readonly is: 'del' | 'ins'
  readonly start: number
  readonly end: number
}

/** One line; what differs from the other side is marked for the eye and named for a screen reader. */
function Side({ text, kind, is: Tag, start, end }: SideProps) {
  if (kind === 'same') return <>{text}</>
  if (kind !== 'changed') return <Tag>{text}</Tag>
  const middle = text.slice(start, text.length - end)
  return (
    <Tag>
      {text.slice(0, start)}
      {middle !== '' && <mark>{middle}</mark>}
      {text.slice(text.length - end)}
    </Tag>
  )
}
