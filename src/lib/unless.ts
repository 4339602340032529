/** For `catch`: turns system errors of that code, such as `ENOENT`, into undefined. */
export function unless(code: string) {
  return (error: NodeJS.ErrnoException): undefined => {
    if (error.code !== code) throw error
  }
}
