/**
 * Whether pgBackRest could not make sense of a file that it has read: it was encrypted with another passphrase, or it is
 * damaged. Decrypted with a wrong passphrase a file ends with a wrong padding, or is garbage by one chance in 256: then
 * it has no format. The exit status tells nothing: it is 29, 75, 95 or 103 by command, and 95 for a certificate too.
 */
export function saysUnreadable(text: string): boolean {
  return /\bFormatError\b|\bCryptoError: (?:unable to flush|cipher header invalid)/.test(text)
}
