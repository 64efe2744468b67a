/** The home folder of whoever runs this: HOME, or what passwd(5) says. */
import { userInfo } from 'node:os';
import { isAbsolute } from 'node:path';

/** Undefined for a user who has none: in a container or a service often neither HOME nor a line in passwd(5) is there. */
export function homeFolder(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = environment.HOME ?? '';
  if (isAbsolute(given)) return given;
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
}
