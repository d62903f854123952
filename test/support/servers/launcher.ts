import { keep, release } from './caretaker.ts';
import type { ServerKind } from './kinds.ts';
import { isRunning, poll } from './processes.ts';

/** One way to start servers of a kind on this machine. */
export interface Launcher {
  /** how it was found, for the line that says which servers the tests use */
  readonly chosen: string;

  /** Starts a server on a data folder, which is made ready where it is empty. It may not answer yet. */
  launch(launch: Launch): Promise<Launched>;
}

export interface Launch {
  readonly kind: ServerKind;
  readonly dataDir: string;
  readonly port: number;
  /** further options of the server program */
  readonly extraArgs: readonly string[];
}

export interface Launched {
  /** of the administrator: mysql://root@127.0.0.1:PORT */
  readonly url: string;
  /** undefined where the server runs in a container */
  readonly pid: number | undefined;
  isRunning(): Promise<boolean>;
  end(how: EndHow): Promise<void>;
  /** the end of what the server wrote about itself */
  log(): Promise<string>;
  /** Throws away what it stored outside of the data folder. */
  forget?(): Promise<void>;
}

/** `cleanly` lets it write everything and say goodbye; `at once` is what a crash does. */
export type EndHow = 'cleanly' | 'at once';

/** A way that is closed on this machine. */
export interface NotHere {
  readonly whyNot: string;
}

export type FindLauncher = (kind: ServerKind) => Promise<Launcher | NotHere>;

/** What tests do not need and what costs time or room; the log is flushed at each commit as in production. */
export const TEST_ARGS: Record<ServerKind, readonly string[]> = {
  mysql: ['--skip-log-bin', '--innodb-buffer-pool-size=256M', '--max-connections=300'],
  mariadb: ['--skip-log-bin', '--innodb-buffer-pool-size=256M', '--max-connections=300'],
};

/** A server that is a process of this machine; the caretaker knows of it until it has ended. */
export function launchedProcess(pid: number, url: string, log: () => Promise<string>): Launched {
  keep(`process ${pid}`);
  return {
    url,
    pid,
    isRunning: async () => isRunning(pid),
    log,
    async end(how) {
      if (isRunning(pid)) process.kill(pid, how === 'cleanly' ? 'SIGTERM' : 'SIGKILL');
      await poll(`The end of process ${pid}`, 60, async () => (isRunning(pid) ? undefined : true));
      release(`process ${pid}`);
    },
  };
}
