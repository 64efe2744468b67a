/**
 * An older Node gets a sentence instead of a stack trace. This file is the first that main.ts loads, and main.cjs is
 * built for Nodes that are far older: they must be able to read as far as this.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `gontainer: this is Node ${process.versions.node} (${process.execPath}), and 20.19 or later is needed. Put a newer one first in PATH.\n`,
  );
  process.exit(125);
}
