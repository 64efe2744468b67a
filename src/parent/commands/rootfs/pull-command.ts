import { usageFailure } from '../../../common/failure.js';
import type { Subcommand } from '../../command-line/subcommand.js';
import { imageOptions, readImageOptions } from './image-options.js';

export const pullCommand: Subcommand = {
  name: 'rootfs pull',
  summary: 'make a root file system from an image in a registry',
  positionals: [
    { name: 'IMAGE', describe: 'for example alpine, alpine:3.20, or REGISTRY/NAME@sha256:…' },
    { name: 'DIR', describe: 'the folder to make; it must not exist, or be empty' },
  ],
  options: [
    ...imageOptions,
    {
      name: 'registry',
      kind: 'text',
      value: 'HOST[:PORT]',
      describe: 'ask this registry, whatever IMAGE says',
      group: 'Root file system',
    },
    {
      name: 'insecure',
      kind: 'flag',
      describe: 'speak plain http to the registry',
      group: 'Root file system',
    },
    {
      name: 'username',
      kind: 'text',
      value: 'NAME',
      describe: 'log in as NAME (default: as docker login, podman login or skopeo login left it)',
      group: 'Root file system',
    },
    {
      name: 'password-stdin',
      kind: 'flag',
      describe: "read NAME's password, or a token, from standard input",
      group: 'Root file system',
    },
  ],
  examples: [
    ['gontainer rootfs pull alpine ./root', 'from Docker Hub'],
    [
      'gontainer rootfs pull --insecure --registry localhost:5000 alpine ./root',
      'from a registry of your own',
    ],
  ],
  async run({ options, positionals }) {
    if (options['map-auto'] === true) return (await import('../../images/own-users.js')).runAgainMapped();
    const { IMAGE: image = '', DIR: directory = '' } = positionals;
    if (image === '' || directory === '') {
      throw usageFailure('rootfs pull needs IMAGE and DIR.', 'Try: gontainer rootfs pull alpine ./root');
    }
    const { imageName, parseReference } = await import('../../images/image/image-reference.js');
    const { Progress } = await import('../../images/progress-line.js');
    const { pullRootfs } = await import('../../images/pull.js');
    const { noteRoot, reportMade } = await import('./report-made.js');
    const { noteImage } = await import('../../images/kept/cached-images.js');
    const { loginFor } = await import('../../images/registry/login.js');
    const registry = typeof options.registry === 'string' ? options.registry : undefined;
    const reference = parseReference(image, registry);
    const progress = new Progress();
    const request = {
      ...readImageOptions(options),
      reference,
      credentials: await loginFor(reference, options),
      insecure: options.insecure === true,
      directory,
      progress,
    };
    const made = await pullRootfs(request).finally(() => progress.end());
    const description = `${made.description}, ${made.digest}`;
    if (options.quiet !== true) reportMade(directory, description, made.tally);
    noteRoot(directory, description, made.image);
    const name = imageName(reference);
    noteImage({ name, digest: made.digest, pulled: new Date().toISOString(), blobs: made.blobs });
    return 0;
  },
};
