const HIDDEN = '[redacted]'

/**
 * What may be a secret by its name, in a field, a connection string, an environment or a query. Looked ahead for, so that
 * a name is read once: callers choose what is logged, such as paths, and may not choose how long that takes. For the same
 * reason the rules begin nowhere within a run of what they repeat, and no text fits one of them in two ways.
 */
const NAME = String.raw`(?=[\w.-]*(?:password|passwd|secret|token|authorization|cookie|cipher-?_?pass|master-?_?keys?|private-?_?key|api-?_?key|signature))[\w.-]+`
const STRING = String.raw`"(?:\\.|[^"\\])*"`

const RULES: readonly (readonly [RegExp, string])[] = [
  // Fields: texts, lists of them, and bytes.
  [new RegExp(String.raw`("${NAME}"\s*:\s*)(?:${STRING}|\[[^\]]*\]|\{[^{}]*\})`, 'gi'), `$1"${HIDDEN}"`],
  // The same in JSON that is itself a text.
  [new RegExp(String.raw`((?<!\\)\\+"${NAME}\\+"\s*:\s*\\+").*?(?<!\\\\)(\\+")`, 'gi'), `$1${HIDDEN}$2`],
  // name=value, name = 'value' and, in SQL, password 'value'. A text in JSON has every backslash twice.
  [
    new RegExp(
      String.raw`((?<![\w.-])${NAME}\s*=\s*)(?:'(?:[^'"\\]|\\\\(?:\\\\|'|(?!\\\\|'))|\\(?!\\).)*(?:'|(?="|$))|(?:\\\\(?:\\.|[^\\"])?|[^\s"&,;\\])+)`,
      'gi',
    ),
    `$1${HIDDEN}`,
  ],
  [/(\bpassword\s+)'(?:[^'"\\]|\\.|'')*(?:'|(?="|$))/gi, `$1'${HIDDEN}'`],
  // postgresql://user:password@host, and the same of other schemes; a password may hold anything but these.
  [/(:\/\/[^\s:/@"\\]*):(?:\\.|[^\s"/\\])*@/gi, `$1:${HIDDEN}@`],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${HIDDEN}`],
  [/\budk_[\w-]+/g, HIDDEN],
  [/\bwhsec_[\w+/=-]+/g, HIDDEN],
  [/\b(?:AKIA|ASIA)[A-Z\d]{16}\b/g, HIDDEN],
  [/SCRAM-SHA-256\$[\w$:+/=]+/g, HIDDEN],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END)[^"])*(?:-----END [A-Z ]*PRIVATE KEY-----)?/g, HIDDEN],
]

/**
 * Blanks what looks like a secret in a line of JSON or any other text, however deep it is in it.
 * @param known secrets of this process, which need not look like any
 */
export function redact(text: string, known: readonly string[] = []): string {
  let clean = text
  for (const secret of known) clean = clean.replaceAll(secret, HIDDEN)
  return RULES.reduce((line, [pattern, replacement]) => line.replace(pattern, replacement), clean)
}
