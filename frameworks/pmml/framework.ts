import type { Framework } from '../../scripts/model/types.ts';
import { irisSmoke } from '../iris.ts';

/**
 * PMML by KServe's own server, which evaluates it with JPMML. It takes the only *.pmml in the folder, of any name
 * (python/pmmlserver/pmmlserver/model.py); here it is model.pmml, so that a second one is an error. Rows are lists of
 * values in the order of the model's MiningSchema.
 */
export default {
  name: 'pmml',
  // config/runtimes/kserve-pmmlserver.yaml lists versions "3" and "4"; naming none takes either.
  modelFormat: { name: 'pmml' },
  runtime: 'kserve-pmmlserver',
  protocolVersion: 'v2',
  include: ['*.pmml', 'README.md', 'LICENSE*', 'NOTICE*'],
  exclude: [],
  requires: [{ anyOf: ['*.pmml'], why: 'one model, which becomes model.pmml; choose it with `include`' }],
  place: (path) => (path.endsWith('.pmml') ? 'model.pmml' : path),
  smoke: irisSmoke('labels', {
    'model.pmml': 'c1281a7de527717f62f792c1721bd156327d576135f0af865a1a96831763bca2',
  }),
  smokeFrom: async (files) => (await import('../../scripts/artifacts/smoke/pmml.ts')).smokeFromPmml(files),
} satisfies Framework;
