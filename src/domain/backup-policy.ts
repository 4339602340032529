import { z } from 'zod'

/** How an add-on is backed up. It has no settings yet: WAL is archived always, the first backup follows at once. */
export const backupPolicySchema = z.strictObject({}).meta({ id: 'BackupPolicy', examples: [{}] })

export type BackupPolicy = z.infer<typeof backupPolicySchema>
