import { z } from 'zod'

export const failureSchema = z
  .object({ code: z.string(), title: z.string(), detail: z.string().optional() })
  .meta({
    id: 'Failure',
    description: 'Why long work failed; the code is that of a problem',
    examples: [{ code: 'wal-missing', title: 'A WAL segment before the target is missing from the archive' }],
  })
