/** What the files of each layer may import below src/, besides themselves: paths of folders and files. */
const layers = {
  http: ['services', 'domain', 'telemetry', 'lib'],
  services: [
    'operations/open.ts',
    'operations/open-drill.ts',
    'operations/wake-up.ts',
    'db',
    'domain',
    'secrets',
    'notify/outbox.ts',
    'notify/webhook-sender.ts',
    'storage/archive-store.ts',
    'lib',
  ],
  operations: [
    'db',
    'domain',
    'postgres',
    'secrets',
    'notify/outbox.ts',
    'notify/webhook-sender.ts',
    'drivers/driver.ts',
    'backup/engine.ts',
    'storage/archive-store.ts',
    'lib',
  ],
  drivers: ['domain', 'lib'],
  backup: ['drivers/driver.ts', 'domain', 'lib'],
  storage: ['domain', 'lib'],
  notify: ['domain', 'lib'],
  postgres: ['drivers/driver.ts', 'domain', 'lib'],
  db: ['domain', 'lib'],
  secrets: ['domain', 'lib'],
  telemetry: ['domain', 'lib'],
  config: ['domain', 'lib'],
  domain: ['lib'],
  lib: [],
}

const pattern = (path) => `^src/${path}${path.endsWith('.ts') ? '$' : '/'}`

const layerRules = Object.entries(layers).map(([layer, allowed]) => ({
  name: `layer-${layer}`,
  severity: 'error',
  // The outbox is written in the transaction of the change it tells of.
  from: { path: pattern(layer), ...(layer === 'notify' && { pathNot: pattern('notify/outbox.ts') }) },
  to: { path: '^src/', pathNot: [layer, ...allowed].map(pattern) },
}))

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'layer-outbox',
      severity: 'error',
      from: { path: pattern('notify/outbox.ts') },
      to: { path: '^src/', pathNot: ['notify', 'db', 'domain', 'lib'].map(pattern) },
    },
    {
      name: 'layer-unknown',
      comment: 'A folder below src/ is a layer of the table above, or bin.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['bin', ...Object.keys(layers)].map(pattern) },
      to: {},
    },
    {
      name: 'adapters-apart',
      comment: 'An implementation knows its interface and nothing of another implementation.',
      severity: 'error',
      from: { path: '^src/(drivers|backup|storage|notify)/([^/]+)/' },
      to: { path: '^src/$1/[^/]+/', pathNot: '^src/$1/$2/' },
    },
    {
      name: 'domain-pure',
      comment: 'No I/O and no clock: of packages, only what describes and names values.',
      severity: 'error',
      from: { path: pattern('domain') },
      to: { pathNot: ['^src/', '(^|/)node_modules/(zod|typeid-js)/', '^(node:)?crypto$'] },
    },
    {
      name: 'lib-plain',
      severity: 'error',
      from: { path: pattern('lib') },
      to: { pathNot: ['^src/'], dependencyTypesNot: ['core'] },
    },
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphan', severity: 'error', from: { orphan: true, path: '^src/' }, to: {} },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-development-dependency',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    // TypeScript 7 has no compiler API; without swc nothing at all would be cruised.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.cjs', '.mjs', '.json'] },
  },
}
