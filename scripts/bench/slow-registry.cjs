/**
 * A registry on the loopback interface that sends so many bytes a second on each connection. It runs in a thread of the
 * bench, which waits for the programs that it measures; bench reads this text before it gives up its privileges.
 */
const { createServer } = require('node:http');
const { parentPort, workerData } = require('node:worker_threads');

const { bytesPerSecond, content } = workerData;
/** Milliseconds between two pieces. */
const beat = 20;
const pieceSize = (bytesPerSecond * beat) / 1000;

function send(bytes, response) {
  const begun = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.min(bytes.length, Math.floor((performance.now() - begun) / beat + 1) * pieceSize);
    if (due > sent) response.write(bytes.subarray(sent, due));
    sent = Math.max(sent, due);
    if (sent < bytes.length) return;
    clearInterval(timer);
    response.end();
  }, beat);
  response.on('close', () => clearInterval(timer));
}

const server = createServer(({ url, method }, response) => {
  if (url === '/v2/') {
    response.writeHead(200).end();
    return;
  }
  const found = content.get(url);
  if (found === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    'content-type': found.mediaType,
    'content-length': found.bytes.length,
    'docker-content-digest': found.digest,
  });
  if (method === 'HEAD') response.end();
  else send(found.bytes, response);
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
