/** The page of the web terminal: xterm.js shows what the answer brings, and what is typed is sent in the order it was typed. */
import { Terminal } from './xterm.mjs';

const token = location.hash.slice(1);
const id = crypto.randomUUID();
const terminal = new Terminal({ cursorBlink: true });
const place = document.querySelector('main');
terminal.open(place);

const ask = (name, more) =>
  fetch(name, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ id, ...more }),
  });

/** As many characters as there is room for: one is as large as the screen is now, divided by how many it shows. */
function fit() {
  const screen = place.querySelector('.xterm-screen').getBoundingClientRect();
  const columns = Math.floor((place.clientWidth * terminal.cols) / screen.width);
  const rows = Math.floor((place.clientHeight * terminal.rows) / screen.height);
  terminal.resize(Math.max(columns, 2), Math.max(rows, 1));
}

fit();
const opened = ask('open', { columns: terminal.cols, rows: terminal.rows });

/** One request after the other: two at a time may arrive in any order. */
let last = opened;
const send = (name, more) => {
  last = last.then(() => ask(name, more)).catch(() => {});
};
terminal.onData((text) => send('type', { text }));
terminal.onResize(({ cols, rows }) => send('resize', { columns: cols, rows }));
addEventListener('resize', fit);
terminal.focus();

const { ok, status, body } = await opened;
if (!ok) terminal.write(`The server refuses: ${status}. Open the address that it printed last.`);
const reader = ok ? body.getReader() : undefined;
for (let part = await reader?.read(); part?.done === false; part = await reader.read())
  terminal.write(part.value);
