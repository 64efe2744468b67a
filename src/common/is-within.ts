/** Whether a path is a folder or lies in it; both absolute, without symbolic links. */
export const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
