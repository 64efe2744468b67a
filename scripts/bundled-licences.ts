/** dist/LICENCES.txt: every package that is in the bundle, with its version and its licence, which has to go along. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly text: string;
}

/** @param metafile what esbuild says went into the bundle, with paths from the project's folder */
export function writeBundledLicences(root: string, output: string, { outputs }: Metafile): void {
  const files = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  const folders = new Set(files.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []));
  const packages = [...folders].sort().map((folder) => bundledPackage(join(root, folder)));
  const rule = '-'.repeat(80);
  const parts = packages.map(
    ({ name, version, licence, text }) => `${rule}\n${name} ${version} (${licence})\n\n${text.trim()}\n`,
  );
  writeFileSync(
    join(output, 'LICENCES.txt'),
    `These packages are in the files of this folder.\n\n${parts.join('\n')}`,
  );
}

/** @throws Error for a package without a file that has its licence: it must not be passed on */
function bundledPackage(folder: string): BundledPackage {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)(\.|-|$)/i.test(entry));
  if (file === undefined) throw new Error(`${name} ${version} has no file with its licence`);
  return { name, version, licence: license, text: readFileSync(join(folder, file), 'utf8') };
}
