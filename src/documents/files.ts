import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { IdMinterError } from '../domain/errors.ts';

/** The path that means standard input or output. */
export const STANDARD = '-';

/** The bytes of a file or of standard input; a name that ends in `.gz` is unpacked. */
export interface ByteSource {
  readonly name: string;
  readonly chunks: AsyncIterable<Buffer>;
}

/**
 * Opens a file now, so that a wrong path is known before anything is minted.
 *
 * @throws IdMinterError SOURCE_UNREADABLE
 */
export async function openForReading(path: string, standardInput: Readable): Promise<ByteSource> {
  if (path === STANDARD) {
    return { name: 'standard input', chunks: guarded('standard input', standardInput) };
  }
  try {
    const handle = await open(path);
    if ((await handle.stat()).isDirectory()) {
      await handle.close();
      throw new Error('it is a folder');
    }
    const file = createReadStream(path, { fd: handle });
    return { name: path, chunks: guarded(path, path.endsWith('.gz') ? unpack(file) : file) };
  } catch (cause) {
    throw unreadable(path, cause, 'Nothing was read or minted.');
  }
}

/** Somewhere to write text that appears as a whole or not at all. */
export interface TextTarget {
  readonly name: string;
  /** Resolves when more may be written. */
  write(text: string): Promise<void>;
  complete(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * A file that gets its name only when it is complete: it is written beside its place and then moved there. A name
 * that ends in `.gz` is packed. Opened now, so that a wrong path is known before anything is minted.
 *
 * @throws IdMinterError TARGET_UNWRITABLE
 */
export async function openForWriting(path: string, standardOutput: Writable): Promise<TextTarget> {
  if (path === STANDARD) return new StandardTarget(standardOutput);
  const partial = join(
    dirname(path),
    `.${basename(path)}.${randomBytes(4).toString('hex')}.partial`
  );
  try {
    if ((await stat(path).catch(() => undefined))?.isDirectory()) throw new Error('it is a folder');
    const handle = await open(partial, 'wx');
    return new FileTarget(path, partial, createWriteStream(partial, { fd: handle, flush: true }));
  } catch (cause) {
    throw new IdMinterError(
      'TARGET_UNWRITABLE',
      `${path} cannot be written: ${reason(cause)}. Nothing was minted or written. Correct the path, or make its folder.`,
      { path, cause }
    );
  }
}

/** Files that are being written; what ends the process by force takes them along. */
const partials = new Set<string>();
process.once('exit', () => {
  for (const partial of partials) rmSync(partial, { force: true });
});

class FileTarget implements TextTarget {
  readonly name: string;
  readonly #partial: string;
  readonly #file: Writable;
  readonly #out: Writable;
  #failure: unknown;

  constructor(path: string, partial: string, file: Writable) {
    this.name = path;
    this.#partial = partial;
    partials.add(partial);
    this.#file = file;
    this.#out = path.endsWith('.gz') ? createGzip() : file;
    for (const stream of new Set([this.#file, this.#out])) {
      stream.on('error', error => {
        this.#failure ??= error;
      });
    }
    if (this.#out !== file) (this.#out as ReturnType<typeof createGzip>).pipe(file);
  }

  async write(text: string): Promise<void> {
    if (this.#failure === undefined && !this.#out.write(text)) {
      await Promise.race([once(this.#out, 'drain'), once(this.#file, 'error')]).catch(
        () => undefined
      );
    }
    if (this.#failure !== undefined) throw targetFailed(this.name, this.#failure);
  }

  async complete(): Promise<void> {
    try {
      this.#out.end();
      await finished(this.#file);
      await rename(this.#partial, this.name);
      partials.delete(this.#partial);
    } catch (error) {
      throw targetFailed(this.name, this.#failure ?? error);
    }
  }

  async discard(): Promise<void> {
    this.#out.destroy();
    this.#file.destroy();
    await rm(this.#partial, { force: true });
    partials.delete(this.#partial);
  }
}

class StandardTarget implements TextTarget {
  readonly name = 'standard output';
  readonly #out: Writable;

  constructor(out: Writable) {
    this.#out = out;
  }

  async write(text: string): Promise<void> {
    if (text !== '' && !this.#out.write(text)) await once(this.#out, 'drain');
  }

  async complete(): Promise<void> {}

  async discard(): Promise<void> {}
}

export function targetFailed(path: string, cause: unknown): IdMinterError {
  return new IdMinterError(
    'TARGET_FAILED',
    `Writing ${path} failed: ${reason(cause)}. The IDs minted so far are in the registry, and nothing stands under that ` +
      'name. Mend it, and say the same command again: it gives the same IDs.',
    { path, cause }
  );
}

/** What people call a system error. */
export function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file or folder';
    case 'EACCES':
    case 'EPERM':
      return 'permission is denied';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ENOSPC':
      return 'the disk is full';
    case 'ENOTDIR':
      return 'a part of the path is not a folder';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function unpack(file: Readable): Readable {
  const unpacked = createGunzip();
  file.on('error', error => unpacked.destroy(error));
  return file.pipe(unpacked);
}

async function* guarded(name: string, stream: Readable): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  } catch (cause) {
    throw unreadable(
      name,
      cause,
      'What came before is minted. Mend it, and say the same command again.'
    );
  }
}

function unreadable(path: string, cause: unknown, data: string): IdMinterError {
  return new IdMinterError(
    'SOURCE_UNREADABLE',
    `${path} cannot be read: ${reason(cause)}. ${data}`,
    {
      path,
      cause,
    }
  );
}
