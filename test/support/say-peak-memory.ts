/** Loaded before a program (`node --import`): says at its end on stderr how much memory it had at most. */
import { writeSync } from 'node:fs';
import { peakKib } from './peak-memory.ts';

process.once('exit', () => {
  writeSync(process.stderr.fd, `Peak memory: ${peakKib()} KiB\n`);
});
