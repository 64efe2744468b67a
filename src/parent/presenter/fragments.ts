/** The parts of the page that change, each by the id of the element that it fills. The drawings are the report's. */
import { counted } from '../../common/counted.js';
import { details } from '../drawing/details.js';
import { type Html, html } from '../drawing/html.js';
import { idMapPictures } from '../drawing/id-map-picture.js';
import { lanes } from '../drawing/lanes.js';
import { namespacePicture } from '../drawing/namespace-picture.js';
import { processPicture } from '../drawing/process-picture.js';
import { stepList } from '../drawing/step-list.js';
import { watchedPicture } from '../drawing/watched-picture.js';
import type { LaunchLog } from '../recorded/launch-log.js';
import { currentStep, type ListedLaunch, type ShownLaunch } from './launch-state.js';
import { now } from './now.js';

export type Fragments = Readonly<Record<string, string>>;

/** The element that this fills is no part of the page, but its style for the drawing's proportions. */
const styleId = 'style';

export function launchFragments(launch: ShownLaunch | undefined): Fragments {
  const log = launch?.log;
  const drawing = log && log.calls.length > 0 ? lanes(log) : undefined;
  return {
    headline: headline(launch).text,
    state: state(launch).text,
    picture: log === undefined ? '' : processPicture(log).text,
    now: now(launch).text,
    steps: log === undefined ? '' : steps(log).text,
    namespaces: log === undefined ? '' : namespacePicture(log).text,
    processes:
      drawing === undefined ? '' : html`${drawing.drawing}${log && details(log, log.calls.at(-1))}`.text,
    watched: (log && watchedPicture(log))?.text ?? '',
    [styleId]: drawing?.style ?? '',
    'id-maps': log === undefined ? '' : idMapPictures(log).text,
    story: log === undefined ? '' : stepList(reached(log)).text,
  };
}

/** The list of launches to choose from, the newest first. */
export function launchList(all: readonly ListedLaunch[], chosen: string | undefined): Fragments {
  const rows = all.toReversed().map(({ id, name, began, command, state }) => {
    return html`<li><a href="?launch=${encodeURIComponent(id)}" aria-current="${String(id === chosen)}"><b>${name}</b> <code>${command}</code> <i>${state.words}</i> <time>${new Date(began).toISOString().slice(11, 19)} UTC</time></a></li>
`;
  });
  return {
    count: counted(all.length, 'launch'),
    launches:
      html`<ol><li><a href="?" aria-current="${String(chosen === undefined)}">follow the newest</a></li>
${rows}</ol>`.text,
  };
}

/** A badge for launches that began while the page stays at a walk. */
export function otherLaunches(others: readonly ListedLaunch[]): Fragments {
  const newest = others.at(-1);
  if (newest === undefined) return { others: '' };
  const more = others.length > 1 ? ` and ${others.length - 1} more` : '';
  return {
    others:
      html`<a href="?launch=${encodeURIComponent(newest.id)}">also: <b>${newest.name}</b>${more} · ${newest.state.words}</a>`
        .text,
  };
}

/** The steps that were not reached are no story yet. */
const reached = (log: LaunchLog): LaunchLog => ({
  ...log,
  steps: log.steps.filter(({ state }) => state !== 'not reached'),
});

function headline(launch: ShownLaunch | undefined): Html {
  if (launch === undefined) return html`Gontainer`;
  return html`<b>${launch.name}</b>${launch.log && html` <code>${launch.log.command.join(' ')}</code>`}`;
}

function state(launch: ShownLaunch | undefined): Html {
  if (launch === undefined) return html`<span class="works">waiting for a launch</span>`;
  const { kind, words } = launch.state;
  return html`<span class="${kind}">${words}</span>`;
}

/** All of them in short; what is done, and where it is. */
function steps(log: LaunchLog): Html {
  const isOver = log.ended !== undefined || log.failure?.givenUp === true;
  const current = isOver ? undefined : currentStep(log);
  return html`<ol>${log.steps.map(({ number, id, title, state: is }) => {
    const kind =
      is === 'failed' ? 'failed' : id === current?.id ? 'current' : is === 'done' ? 'done' : 'coming';
    return html`<li class="${kind}" aria-current="${kind === 'current' ? 'step' : 'false'}" title="${title}" data-step="${number}"><span>${number}</span> ${title}</li>
`;
  })}</ol>`;
}
