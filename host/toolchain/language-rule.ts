/**
 * Something TypeScript has and AssemblyScript has not. The examples are compiled by a test: the wrong one
 * must not come through the compiler and the gate, the right one must.
 */
export interface LanguageRule {
  /** What it is called, as a heading has it: `try and catch`. */
  readonly name: string
  /** What is not there, and what to write instead; lowercase, no full stop. */
  readonly message: string
  /** Statements of a file that break the rule. */
  readonly wrong: string
  /** The same intent, written so that it compiles. */
  readonly right: string
}
