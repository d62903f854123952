import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { access, constants, open, realpath, rename, rm, stat } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { IdMinterError } from '../domain/errors.ts';
import type { Text } from './block-writer.ts';
import { BlockWriter } from './block-writer.ts';
import { GzipPacker } from './gzip-packer.ts';
import { keepPartial, namePartial, releasePartial, removeOrphans } from './partial-files.ts';

/** The path that means standard input or output. */
export const STANDARD = '-';

/** The bytes of a file or of standard input; a name that ends in `.gz` is unpacked. */
export interface ByteSource {
  readonly name: string;
  /** To be read once. Nothing is open before, nor after the last chunk or an early end. */
  readonly chunks: AsyncIterable<Buffer>;
  /** How much of a file was read by now, 0 to 1, counted in bytes as they stand in it; undefined for what is no file. */
  share(): number | undefined;
  /** Ends the reading at once, also while it waits for more. */
  close(): void;
}

/**
 * Looks now whether a file can be read, so that a wrong path is known before anything is minted.
 *
 * @throws IdMinterError SOURCE_UNREADABLE
 */
export async function openForReading(path: string, standardInput: Readable): Promise<ByteSource> {
  if (path === STANDARD) {
    return byteSource('standard input', () => ({ stream: standardInput, bytesRead: () => 0 }));
  }
  try {
    await access(path, constants.R_OK);
    const there = await stat(path);
    if (there.isDirectory()) throw new Error('it is a folder');
    return byteSource(path, () => openFile(path), there.isFile() ? there.size : undefined);
  } catch (cause) {
    throw unreadable(path, cause, 'Nothing was read or minted. Correct the path or the file.');
  }
}

/** Somewhere to write text, or text in UTF-8, that appears as a whole or not at all. */
export interface TextTarget {
  readonly name: string;
  /** Resolves when more may be written. */
  write(text: Text): Promise<void>;
  complete(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * A file that gets its name only when it is complete: it is written beside its place and then moved there. What a
 * killed process was writing there is removed. A name that ends in `.gz` is packed. Opened now, so that a wrong path is
 * known before anything is minted. Devices and named pipes are written as they are.
 *
 * @throws IdMinterError TARGET_UNWRITABLE
 */
export async function openForWriting(path: string, standardOutput: Writable): Promise<TextTarget> {
  if (path === STANDARD) return new StandardTarget(standardOutput);
  try {
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory()) throw new Error('it is a folder');
    if (/(^|[\\/])$/.test(path)) throw new Error('it names no file');
    if (there && !there.isFile()) return new FileTarget(path, await open(path, 'w'));
    // Through a link, which shall stay one.
    const place = there ? await realpath(path) : path;
    const partial = namePartial(place);
    const target = new FileTarget(path, await open(partial, 'wx'), { partial, place });
    await removeOrphans(place);
    return target;
  } catch (cause) {
    throw new IdMinterError(
      'TARGET_UNWRITABLE',
      `${path} cannot be written: ${reason(cause)}. Nothing was minted or written. Correct the path, or make its folder.`,
      { path, cause }
    );
  }
}

interface OpenBytes {
  readonly stream: Readable;
  /** As they stand in the file, without those that wait in the stream. */
  bytesRead(): number;
}

function byteSource(name: string, openBytes: () => OpenBytes, size?: number): ByteSource {
  let open: OpenBytes | undefined;
  let isClosed = false;
  async function* read(): AsyncGenerator<Buffer, void, undefined> {
    if (isClosed) return;
    open = openBytes();
    try {
      for await (const chunk of open.stream)
        yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    } catch (cause) {
      if (isClosed) return;
      throw unreadable(
        name,
        cause,
        'What came before is minted. Mend it, and say the same command again.'
      );
    }
  }
  return {
    name,
    chunks: read(),
    // A file may grow while it is read.
    share: () => (size ? Math.min((open?.bytesRead() ?? 0) / size, 1) : undefined),
    close: () => {
      isClosed = true;
      open?.stream.destroy();
    },
  };
}

function openFile(path: string): OpenBytes {
  const file = createReadStream(path);
  if (!path.endsWith('.gz')) {
    return { stream: file, bytesRead: () => file.bytesRead - file.readableLength };
  }
  const gunzip = createGunzip();
  // Its callback has nothing to tell: who reads the unpacked stream meets the error there.
  pipeline(file, gunzip, () => {});
  return { stream: gunzip, bytesRead: () => gunzip.bytesWritten };
}

const PART_IS_WRITTEN = 'What came before was written.';

class FileTarget implements TextTarget {
  readonly name: string;
  readonly #handle: FileHandle;
  /** Where it is written, and where it then moves; undefined where it is written in place. */
  readonly #move: { readonly partial: string; readonly place: string } | undefined;
  readonly #packer: GzipPacker | undefined;
  readonly #blocks: BlockWriter;
  #failure: IdMinterError | undefined;

  constructor(path: string, handle: FileHandle, move?: { partial: string; place: string }) {
    this.name = path;
    this.#handle = handle;
    this.#move = move;
    if (move) keepPartial(move.partial);
    const packer = path.endsWith('.gz') ? new GzipPacker() : undefined;
    this.#packer = packer;
    this.#blocks = new BlockWriter(async text => {
      await handle.appendFile(packer ? await packer.pack(text) : text);
    });
  }

  async write(text: Text): Promise<void> {
    await this.#attempt(() => this.#blocks.write(text));
  }

  async complete(): Promise<void> {
    await this.#attempt(async () => {
      await this.#blocks.flush();
      if (this.#packer) await this.#handle.appendFile(await this.#packer.end());
      if (this.#move) await this.#handle.sync();
      await this.#handle.close();
      if (this.#move) await rename(this.#move.partial, this.#move.place);
    });
    if (this.#move) releasePartial(this.#move.partial);
  }

  async discard(): Promise<void> {
    this.#packer?.discard();
    await this.#handle.close().catch(() => undefined);
    if (!this.#move) return;
    await rm(this.#move.partial, { force: true });
    releasePartial(this.#move.partial);
  }

  /** What once failed stays failed: a text with a hole in it never gets the name. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    if (this.#failure) throw this.#failure;
    try {
      await work();
    } catch (error) {
      const data = this.#move ? 'What stood under that name is untouched.' : PART_IS_WRITTEN;
      this.#failure = targetFailed(this.name, error, data);
      throw this.#failure;
    }
  }
}

class StandardTarget implements TextTarget {
  readonly name = 'standard output';
  readonly #out: Writable;

  constructor(out: Writable) {
    this.#out = out;
  }

  async write(text: Text): Promise<void> {
    if (text.length === 0 || this.#out.write(text)) return;
    const waiting = new AbortController();
    try {
      await Promise.race([
        once(this.#out, 'drain', waiting),
        !this.#out.destroyed && once(this.#out, 'close', waiting),
      ]);
      if (this.#out.destroyed) throw this.#out.errored ?? new Error('it is closed');
    } catch (error) {
      throw targetFailed(this.name, error, PART_IS_WRITTEN);
    } finally {
      waiting.abort();
    }
  }

  async complete(): Promise<void> {}

  async discard(): Promise<void> {}
}

export function targetFailed(name: string, cause: unknown, data: string): IdMinterError {
  return new IdMinterError(
    'TARGET_FAILED',
    `Writing ${name} failed: ${reason(cause)}. The IDs minted so far are in the registry. ${data} Mend it, and say the ` +
      'same command again: it gives the same IDs.',
    { name, cause }
  );
}

/** What people call a system error. */
function reason(error: unknown): string {
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

function unreadable(path: string, cause: unknown, data: string): IdMinterError {
  return new IdMinterError(
    'SOURCE_UNREADABLE',
    `${path} cannot be read: ${reason(cause)}. ${data}`,
    { path, cause }
  );
}
