import type { Random } from '../../scripts/invented-identifiers.ts';
import type { Campaign, Figures, Ground } from '../campaign.ts';
import { fillDiskOfFile, fillDiskOfServer, fillDiskOfTarget } from '../exhaustion/disks.ts';
import { emptyPool, holdRow, lockPool, spoilPool } from '../exhaustion/pools-and-locks.ts';
import {
  limitPackets,
  openWholeServer,
  takeConnections,
  turnReadOnly,
} from '../exhaustion/servers.ts';

/** Each once in the gate; in the long form ten times, with other moments and sizes. */
const TIMES = { gate: 1, long: 10 } as const;

type Case = (random: Random) => Promise<Figures>;

export const exhaustion: Campaign = {
  name: 'exhaustion',
  tries:
    'Connections, free IDs, locks, the right to write, packets and disks run out in mid-run: each ends in its code and exit status, nothing is lost, and the same command again completes.',
  async open({ form, server }) {
    const whole = await openWholeServer(server.kind);
    const cases = casesOn(server, whole.alone);
    return {
      units: cases.length * TIMES[form],
      // Most of them wait.
      atOnce: 4,
      run: (unit, random) => cases[unit % cases.length]?.(random) ?? Promise.resolve({}),
      [Symbol.asyncDispose]: () => whole[Symbol.asyncDispose](),
    };
  },
};

type Alone = Awaited<ReturnType<typeof openWholeServer>>['alone'];

/** Those that last long come first. */
function casesOn(server: Ground['server'], alone: Alone): readonly Case[] {
  return [
    random => alone(whole => turnReadOnly(whole, random)),
    random => lockPool(server, random),
    random => holdRow(server, random),
    () => fillDiskOfServer(server.kind),
    random => fillDiskOfFile(random),
    random => fillDiskOfTarget(random),
    random => emptyPool(server, random),
    random => alone(whole => takeConnections(whole, random)),
    random => alone(whole => limitPackets(whole, random)),
    random => spoilPool(server, random),
  ];
}
