/** --decide-fd: a program decides about each watched call (src/common/watch/decisions.ts). */
import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { Failure, usageFailure } from '../../common/failure.js';
import { LineSplitter } from '../../common/line-splitter.js';
import { type Decision, decisionLine, isErrno } from '../../common/watch/decisions.js';
import { checkDescriptor } from '../command-line/descriptor-option.js';
import type { Values } from '../command-line/subcommand.js';
import type { CallRead } from './call-reader.js';
import type { Decider, Errno } from './decider.js';

/** Bytes: an answer has two numbers. */
const longestLine = 200;

export class AskedProgram implements Decider {
  readonly name = 'program';
  readonly decidesOnStart = true;
  private socket: Socket | undefined;
  private readonly lines = new LineSplitter(longestLine);
  private readonly open = new Map<number, (errno: Errno) => void>();
  private asked = 0;
  private breaks: (reason: Error) => void = () => {};

  private constructor(private readonly descriptor: number) {}

  /**
   * @returns undefined where no program wants to decide
   * @throws Failure with status 2
   */
  static of({ options }: Values): AskedProgram | undefined {
    const { 'decide-fd': given, watch, step } = options;
    if (given === undefined) return undefined;
    if (watch === undefined)
      throw usageFailure('--decide-fd decides about calls that are watched', 'Add --watch.');
    if (step)
      throw usageFailure(
        '--decide-fd has a program decide, and --step whoever is at the terminal',
        'Choose one.',
      );
    const descriptor = Number(given);
    const example = 'it takes a socket: launch() of the library passes one';
    checkDescriptor('decide-fd', descriptor, example);
    if (!fstatSync(descriptor).isSocket())
      throw usageFailure(`--decide-fd=${descriptor} is not a socket`, 'launch() of the library passes one.');
    return new AskedProgram(descriptor);
  }

  begin(breaks: (reason: Error) => void): void {
    this.breaks = breaks;
    this.socket = new Socket({ fd: this.descriptor });
    const gone = () => breaks(new Failure('the program that decides about the watched calls is gone'));
    this.socket.on('data', (bytes: Buffer) => {
      try {
        for (const line of this.lines.take(bytes)) this.take(line);
        if (this.lines.isTooLong) throw notAnAnswer();
      } catch (error) {
        breaks(error as Error);
      }
    });
    // A program that was killed breaks off.
    this.socket.on('error', gone);
    this.socket.on('close', gone);
  }

  decide({ record, pid }: CallRead): Promise<Errno> {
    this.asked += 1;
    const number = this.asked;
    this.socket?.write(decisionLine({ number, call: { pid, ...record } }));
    return new Promise((resolve) => this.open.set(number, resolve));
  }

  end(): void {
    this.socket?.removeAllListeners('close');
    this.socket?.destroy();
    this.open.clear();
  }

  private take(line: string): void {
    const { number, errno, fault } = answerIn(line);
    const resolve = this.open.get(number);
    if (resolve === undefined || !(errno === undefined || isErrno(errno))) throw notAnAnswer();
    this.open.delete(number);
    resolve(errno ?? 0);
    // By then the call has its answer, and its record.
    if (fault !== undefined)
      setImmediate(() => this.breaks(new Failure(`the program could not decide: ${fault}`)));
  }
}

function answerIn(line: string): Decision {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Decision;
  } catch {
    // As below.
  }
  throw notAnAnswer();
}

const notAnAnswer = (): Failure =>
  new Failure('what came over --decide-fd is not an answer to a call that waits', {
    next: 'Program and launcher may be of different versions: install one of them again.',
  });
