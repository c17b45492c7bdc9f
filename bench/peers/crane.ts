import { architecture } from '../base.ts';
import { toolPath } from '../tools.ts';
import type { Peer, Step } from '../types.ts';
import { download, filesOf } from './hf.ts';

/** As in crane's own recipes: a tar on standard input is appended as a layer while it goes to the registry. */
export const crane: Peer = {
  name: 'crane',
  title: () => 'tar | crane append',
  kinds: ['push', 'hub'],
  needs: ['crane', 'tar'],
  async steps(job, kind) {
    const steps = kind === 'hub' ? await download(job) : [];
    const [tar, program] = [await toolPath('tar'), await toolPath('crane')];
    const owner = ['--owner=1001', '--group=0', '--numeric-owner', '--mode=a=rX'];
    for (const model of job.models) {
      const image = `${model.repository}:v1`;
      const pack = ['--create', ...owner, '--exclude=./.cache', '--transform=s,^\\.,models,'];
      const append = ['append', '--platform', `linux/${architecture}`, '--base', job.base];
      const pipe: Step = { program, args: [...append, '--new_layer', '-', '--new_tag', image] };
      steps.push({ program: tar, args: [...pack, '--directory', filesOf(job, model), '.'], pipe });
    }
    return steps;
  },
};
