/** Lowest first: a layer imports only itself and those below it. */
const LAYERS = ['kernel', 'config', 'infra', 'http', 'operations', 'provisioning', 'modules'];

/** The local stack stands beside the layers: it knows the lower three, and only entry points know it. */
const STACK_MAY_IMPORT = ['kernel', 'config', 'infra'];

/** Likewise lowest first. */
const ENTRY_POINTS = ['app\\.module', 'bootstrap', 'main', 'cli'];

const folders = (names) => `^src/(${names.join('|')})/`;

/** The library for applications stands beside them too; from here on the server itself is one of its users. */
const USES_TENANCY = LAYERS.indexOf('provisioning');

function layerRule(layer, at) {
  const allowed = [...LAYERS.slice(0, at + 1), ...(at >= USES_TENANCY ? ['tenancy'] : [])];
  return {
    name: `layer-${layer}`,
    comment: `${layer} imports only: ${allowed.join(', ')}`,
    severity: 'error',
    from: { path: folders([layer]) },
    to: { path: '^src/', pathNot: folders(allowed) },
  };
}

function entryRule(entry, at) {
  return {
    name: `entry-${entry.replace('\\', '')}`,
    comment: 'entry points import one way: cli, main, bootstrap, app.module',
    severity: 'error',
    from: { path: `^src/${entry}\\.ts$` },
    to: { path: `^src/(${ENTRY_POINTS.slice(at + 1).join('|')})\\.ts$` },
  };
}

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...LAYERS.map(layerRule),
    ...ENTRY_POINTS.slice(0, -1).map(entryRule),
    {
      name: 'layer-stack',
      comment: `stack imports only: ${STACK_MAY_IMPORT.join(', ')}`,
      severity: 'error',
      from: { path: folders(['stack']) },
      to: { path: '^src/', pathNot: folders([...STACK_MAY_IMPORT, 'stack']) },
    },
    {
      name: 'tenancy-stands-alone',
      comment: 'the library for applications imports nothing of the server',
      severity: 'error',
      from: { path: folders(['tenancy']) },
      to: { path: '^src/', pathNot: folders(['tenancy', 'kernel']) },
    },
    {
      name: 'kernel-is-pure',
      comment: 'the kernel has no framework and no I/O (net stays allowed for isIP and BlockList)',
      severity: 'error',
      from: { path: folders(['kernel']), pathNot: '\\.test\\.ts$' },
      to: {
        path: [
          '^(@nestjs/|typeorm|pg|ioredis|pino|fastify|bcrypt)',
          'node_modules/(@nestjs/|typeorm|pg|ioredis|pino|fastify|bcrypt)',
          '^(node:)?(child_process|cluster|dgram|dns|fs|http|http2|https|tls|worker_threads)(/|$)',
        ],
      },
    },
    {
      name: 'modules-keep-their-tables',
      comment: "a module imports another module's service, never its repository or entity",
      severity: 'error',
      from: { path: '^src/modules/([^/]+)/' },
      to: { path: '^src/modules/(?!$1/)[^/]+/.*\\.(repository|entity)\\.ts$' },
    },
    {
      name: 'no-barrels',
      severity: 'error',
      from: {},
      to: { path: '(^|/)index\\.ts$' },
    },
    {
      name: 'source-does-not-import-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: ['^test/', '\\.test\\.ts$'] },
    },
    {
      name: 'only-declared-packages',
      comment: 'what the product imports stands in package.json under dependencies',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
