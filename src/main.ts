#!/usr/bin/env node
/** One script, two stages: it picks the parent or the child, nothing else. */
if (process.platform !== 'linux') {
  console.error(
    `gontainer: namespaces are a part of Linux, and this is ${process.platform}. Use a Linux machine or a virtual one.`,
  );
  process.exit(125);
}

const words = process.argv.slice(2);
if (words[0] === 'child') {
  void import('./child/main.js').then(({ child }) => child());
} else {
  void import('./parent/main.js').then(({ parent }) => parent(words)).then((status) => process.exit(status));
}

export {};
