import { statSync } from 'node:fs';

const VARIABLE = 'ID_MINTER_TEST_DATA';

/**
 * The folder with the real identifiers and works that some tests run over; too big to ship with the project.
 *
 * @returns its path, or undefined where it is not given: those tests are then not registered
 * @throws Error where it is given and is no folder
 */
export function sharedDataFolder(): string | undefined {
  const folder = process.env[VARIABLE];
  if (!folder) return undefined;
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Error(`${VARIABLE}=${folder} is not a folder: mend or unset it.`);
  }
  return folder;
}

/**
 * The line that says at the start of a run whether the tests over real data are part of it.
 *
 * @throws Error in CI without the data, where nothing may pass by being left out
 */
export function describeSharedData(): string {
  const folder = sharedDataFolder();
  if (folder !== undefined) return `Real identifiers and works for the tests: ${folder}.`;
  if (process.env['CI'] === 'true') {
    throw new Error(`CI=true, and ${VARIABLE} does not name the folder with the real data.`);
  }
  return `The tests over real identifiers and works are not part of this run: ${VARIABLE} names no folder.`;
}
