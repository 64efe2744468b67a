/**
 * Who a registry is told that we are: what the command line says, or what `docker login`, `podman login` and `skopeo
 * login` left (containers-auth.json(5); docker's config.json with auths, credsStore and credHelpers).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../../common/failure.js';
import { homeFolder } from '../../state/home-folder.js';
import { hubNames, type ImageReference } from '../image/image-reference.js';

/** A name and a password, or a token to ask for tokens with. Neither is ever shown. */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity'; readonly token: string };

type Json = Readonly<Record<string, unknown>>;

/** Where the tools keep them, the first that knows the registry wins. */
function authenticationFiles(environment: NodeJS.ProcessEnv): string[] {
  const { REGISTRY_AUTH_FILE: named, XDG_RUNTIME_DIR: runtime, DOCKER_CONFIG: docker } = environment;
  const home = homeFolder(environment);
  const configuration = environment.XDG_CONFIG_HOME ?? (home && join(home, '.config'));
  const dockers = docker ?? (home && join(home, '.docker'));
  return [
    ...(named ? [named] : []),
    ...(runtime ? [join(runtime, 'containers', 'auth.json')] : []),
    ...(configuration ? [join(configuration, 'containers', 'auth.json')] : []),
    ...(dockers ? [join(dockers, 'config.json')] : []),
  ];
}

/**
 * What is known for an image's registry.
 * @throws Failure when a helper that is named for the registry does not work
 */
export function findCredentials(
  reference: ImageReference,
  environment: NodeJS.ProcessEnv = process.env,
): Credentials | undefined {
  for (const file of authenticationFiles(environment)) {
    const document = readJson(file);
    const found = document && findIn(document, reference, environment, file);
    if (found !== undefined) return found;
  }
  return undefined;
}

function findIn(
  document: Json,
  reference: ImageReference,
  environment: NodeJS.ProcessEnv,
  file: string,
): Credentials | undefined {
  const keys = keysOf(reference);
  const helpers = objectAt(document, 'credHelpers');
  const helped = keys.find((key) => typeof helpers[key] === 'string');
  if (helped !== undefined) return askHelper(String(helpers[helped]), helped, environment, file);
  const auths = objectAt(document, 'auths');
  for (const key of keys) {
    const found = Object.entries(auths).find(([name]) => withoutScheme(name) === withoutScheme(key));
    const entry = found && readEntry(found[1]);
    if (entry !== undefined) return entry;
  }
  if (typeof document.credsStore !== 'string') return undefined;
  for (const key of keys.filter((name) => !name.slice(1).includes('/') || name.startsWith('https:'))) {
    const found = askHelper(document.credsStore, key, environment, file);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The names under which a registry may be kept: the most special first; Docker Hub has several. */
function keysOf({ registry, repository }: ImageReference): string[] {
  const parts = repository.split('/');
  const folders = parts.map((_, index) => [registry, ...parts.slice(0, parts.length - index)].join('/'));
  const hub = registry === 'registry-1.docker.io' ? ['https://index.docker.io/v1/', ...hubNames] : [];
  return [...folders, registry, ...hub];
}

/** docker wrote addresses as keys, and some of them with a version at the end. */
const withoutScheme = (name: string): string =>
  name.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');

function readEntry(value: unknown): Credentials | undefined {
  const entry = typeof value === 'object' && value !== null ? (value as Json) : {};
  if (typeof entry.identitytoken === 'string' && entry.identitytoken !== '') {
    return { kind: 'identity', token: entry.identitytoken };
  }
  if (typeof entry.username === 'string' && typeof entry.password === 'string' && entry.username !== '') {
    return { kind: 'password', username: entry.username, password: entry.password };
  }
  if (typeof entry.auth !== 'string') return undefined;
  const [, username, password] =
    /^([^:]+):(.*)$/s.exec(Buffer.from(entry.auth, 'base64').toString('utf8')) ?? [];
  if (username === undefined || password === undefined) return undefined;
  return { kind: 'password', username, password: password.replace(/\0+$/, '') };
}

/** Seconds that a helper may take: it may ask the person in front of it. */
const helperTime = 60;

/** docker-credential-helpers: "get" takes the registry's name, and gives JSON with Username and Secret. */
function askHelper(
  name: string,
  key: string,
  environment: NodeJS.ProcessEnv,
  file: string,
): Credentials | undefined {
  const program = `docker-credential-${name}`;
  const options = { input: key, env: environment, timeout: helperTime * 1000, maxBuffer: 1024 * 1024 };
  const { status, stdout, error } = /^[\w.-]+$/.test(name)
    ? spawnSync(program, ['get'], { ...options, encoding: 'utf8' })
    : {
        status: null,
        stdout: '',
        error: new Error('a name with other characters than letters, digits, . _ -'),
      };
  if (error !== undefined) {
    throw new Failure(`Cannot ask ${program}, which ${file} names for ${key}: ${error.message}.`, {
      next: 'Install it, or give --username and --password-stdin.',
    });
  }
  if (status !== 0) return undefined; // It knows nothing of this registry.
  const { Username: username, Secret: secret } = parseJson(stdout) ?? {};
  if (typeof username !== 'string' || typeof secret !== 'string' || secret === '') return undefined;
  return username === '<token>'
    ? { kind: 'identity', token: secret }
    : { kind: 'password', username, password: secret };
}

function objectAt(document: Json, name: string): Json {
  const value = document[name];
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function readJson(file: string): Json | undefined {
  try {
    return parseJson(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // There is none, or it is not for us.
  }
}

function parseJson(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
