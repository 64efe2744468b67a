/** The follower's side of the folder with logs: while this process lives, launches keep theirs there. */
import { mkdirSync, readdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../../common/failure.js';
import { viewpoint } from '../../state/entry.js';
import {
  type FollowedLog,
  type Follower,
  followedFolder,
  followedLogNamed,
  followerExtension,
  followersIn,
} from '../../state/followed-log.js';
import { identify, isAlive } from '../../state/process-identity.js';
import { madeStateFolder } from '../../state/state-folder.js';

export interface FoundLog extends FollowedLog {
  /** Its file's name without the ending, which no other launch has. */
  readonly id: string;
  readonly path: string;
}

export class Following {
  readonly folder = followedFolder();
  /** How often it was made: each time it is another folder. */
  made = 0;
  private readonly self: Follower;
  private readonly file: string;

  constructor() {
    const identity = identify(process.pid);
    if (identity === undefined) throw new Failure('/proc does not show this process');
    this.self = { ...identity, seenFrom: viewpoint() };
    this.file = `${identity.pid}${followerExtension}`;
  }

  /**
   * Says, if nothing says it any more, that somebody follows.
   * @returns the names of the files in the folder
   * @throws Failure when the state folder must not be believed, or cannot be written
   */
  announce(): string[] {
    const files = this.files();
    if (files.includes(this.file)) return files;
    madeStateFolder();
    mkdirSync(this.folder, { mode: 0o700, recursive: true });
    // It appears with its content: a launch that finds half of it would take it for a dead one's.
    const draft = join(this.folder, `${this.file}.draft`);
    writeFileSync(draft, JSON.stringify(this.self), { mode: 0o600 });
    renameSync(draft, join(this.folder, this.file));
    this.made += 1;
    return this.files();
  }

  /** The logs among these files. */
  logs(files: readonly string[]): FoundLog[] {
    return files.flatMap((file) => {
      const log = followedLogNamed(file);
      return log === undefined
        ? []
        : [{ ...log, id: file.replace(/\.ndjson$/, ''), path: join(this.folder, file) }];
    });
  }

  /** Follows no more; the last follower takes the logs away. */
  end(): void {
    try {
      unlinkSync(join(this.folder, this.file));
      if (!followersIn(this.folder).some(isAlive)) rmSync(this.folder, { recursive: true });
    } catch {
      // There is no such folder any more.
    }
  }

  private files(): string[] {
    try {
      return readdirSync(this.folder);
    } catch {
      return [];
    }
  }
}
