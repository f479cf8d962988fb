import type { LanguageRule } from './language-rule.ts'
import { CLOSURE_RULE, PACKAGE_RULE } from './scan-language.ts'
import { GLOBAL_RULES } from './scan-language-globals.ts'
import { SYNTAX_RULES } from './scan-language-syntax.ts'
import { TREE_RULES } from './scan-language-tree.ts'

/** Every rule, those that meet everybody first. */
export const LANGUAGE_RULES: readonly LanguageRule[] = [
  CLOSURE_RULE,
  ...TREE_RULES,
  ...SYNTAX_RULES,
  ...GLOBAL_RULES,
  PACKAGE_RULE,
]

/** The reference page about what TypeScript has and a filter has not, with an example for each. */
export function languagePage(): string {
  return `# From TypeScript to AssemblyScript

AssemblyScript looks like TypeScript and is compiled ahead of time: every type is known, every number has a
width (\`i32\`, \`u32\`, \`i64\`, \`f64\`), and what is decided at run time in JavaScript is not there. \`penstock
build\` finds the following in your sources and says what to write instead. This page is made from the same
rules, and a test compiles every example.

${LANGUAGE_RULES.map(sectionOf).join('\n')}`
}

function sectionOf({ name, message, wrong, right }: LanguageRule): string {
  return `## ${name}

${sentence(message)}

\`\`\`ts
// not
${wrong}
\`\`\`

\`\`\`ts
// but
${right}
\`\`\`
`
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
