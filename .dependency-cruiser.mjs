// Data and imports flow one way (see ARCHITECTURE.md). Each rule's comment names the way out.
const src = '^src/';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'domain-imports-nothing',
      comment:
        'The rules know no clock, no store and no library, not even node:. Take what you need as an argument, ' +
        'or put the code into the folder that has it.',
      severity: 'error',
      from: { path: `${src}domain/` },
      to: { pathNot: `${src}domain/` },
    },
    {
      name: 'adapters-know-only-the-domain',
      comment:
        'registry, documents, exports and notices each implement a contract of the domain and do not know each other or ' +
        'who uses them. What two of them share is a rule (domain); what joins them is a step (steps) or a choice (runtime).',
      severity: 'error',
      from: { path: `${src}(registry|documents|exports|notices)/` },
      to: { path: src, pathNot: [`${src}domain/`, `${src}aws/`, `${src}$1/`] },
    },
    {
      name: 'aws-knows-nothing-of-ours',
      comment:
        'aws holds what all that speaks to AWS has in common: opening a client, reading its failures. What is said of a ' +
        'failure, and with which code, is up to whoever met it.',
      severity: 'error',
      from: { path: `${src}aws/` },
      to: { path: src, pathNot: `${src}aws/` },
    },
    {
      name: 'steps-know-only-the-domain',
      comment:
        'A step gets its registry, source, sink, report and log as one argument, typed by contracts of the domain; ' +
        'runtime opens them, and the entry point hands them over.',
      severity: 'error',
      from: { path: `${src}steps/` },
      to: { path: src, pathNot: `${src}(domain|steps)/` },
    },
    {
      name: 'runtime-is-below-entry-points',
      comment:
        'Runtime reads settings and opens stores for every entry point. What it wants from a step or a command ' +
        'comes as an argument, or belongs further down.',
      severity: 'error',
      from: { path: `${src}runtime/` },
      to: { path: src, pathNot: `${src}(runtime|registry|documents|exports|notices|aws|domain)/` },
    },
    {
      name: 'entry-points-do-not-reach-past-runtime',
      comment:
        'cli, library, lambda and api start what runtime opens and do not know each other. Add the opening to src/runtime, ' +
        'and the type to the contract in src/domain.',
      severity: 'error',
      from: { path: `${src}(cli|library|lambda|api)/` },
      to: { path: src, pathNot: [`${src}$1/`, `${src}(runtime|steps|domain)/`] },
    },
    {
      name: 'src-stands-alone',
      comment:
        'What the product needs lives in src: move it there; tests, scripts and benchmarks import it from src.',
      severity: 'error',
      from: { path: src },
      to: { path: '^(test|scripts|bench|faults|examples|tools)/' },
    },
    {
      name: 'no-cycles',
      comment:
        'Two modules that need each other are one, or share a third: move what both use into the lower of them.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'Nobody imports this module and it imports nothing: use it or delete it.',
      severity: 'error',
      from: { orphan: true, path: src, pathNot: '\\.d\\.ts$' },
      to: {},
    },
    {
      name: 'no-dev-dependencies-in-src',
      comment:
        'The published package lacks it: move it to dependencies in package.json, or do without.',
      severity: 'error',
      from: { path: `${src}|^bin/` },
      to: { dependencyTypes: ['npm-dev'] },
    },
    {
      name: 'only-declared-dependencies',
      comment:
        'It cannot be found, or only another package brings it along: add it to package.json, or mend the path.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    // Finds what a package offers beside its main entry, e.g. csv-parse/sync.
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'default'] },
  },
};
