/** Loaded before a program (`node --import`): says at its end on stderr how much memory it had at most. */
import { writeSync } from 'node:fs';

process.once('exit', () => {
  writeSync(process.stderr.fd, `Peak memory: ${process.resourceUsage().maxRSS} KiB\n`);
});
