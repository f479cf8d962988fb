/**
 * Where the engine `node` differs by its nature, by the title of a test or the id of a case, and why. The
 * table of docs/http.md is made of this list; a difference that is gone fails its test until it leaves it.
 */
export const NODE_DIFFERENCES: Readonly<Record<string, string>> = {
  K13: "Node's parser takes 16 digits for a chunk size and waits for that many bytes: 408 by the body limit",
  R01: "Node's parser takes several spaces for one, and the pieces it hands over do not show it",
  R09: 'Node reads a line without a version as HTTP/0.9 and waits for its header: 408 by the head limit',
  'a request line past 8 KiB that has no end is answered 414':
    'Node tells of a request line when it is whole: 408 by the head limit, 431 past all limits together',
  'a method past 32 bytes is answered 501':
    'Node knows a list of methods and answers 400 for others',
  'an idle connection closes without a word':
    'Node answers 408 to a connection that has never asked for anything',
  'a head that came while the loop stood still is in time':
    'Node looks at the time of heads by itself, and before it reads its sockets: 408',
  'U32 an extension of 64 KiB: 502':
    'Node sends the head of an answer before its first byte: the client sees it cut',
  'U42: a 200 to a request with Upgrade is a 200':
    'Node reads nothing after a request with an Upgrade that is not taken: the connection closes after the answer',
}
