/** A file of a folder or bucket. */
export interface StoredFile {
  /** Below the folder, with slashes. */
  readonly path: string;
  readonly bytes: number;
}

/** The folder or the part of a bucket in which one export stands. Each call rejects with one of the EXPORT codes. */
export interface ExportStorage {
  /** The folder, or `s3://bucket/prefix`. */
  readonly name: string;
  /** Every file below it; none where it is not there. */
  list(): Promise<StoredFile[]>;
  /** The bytes from `start` to before `end`. */
  read(path: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  /** The file has its name when it is whole. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
  close(): void;
}

/** What the export is opened for, and so what people read where its place fails. */
export type StorageUse = 'read' | 'written';

const WHAT_BECAME: Readonly<Record<StorageUse, string>> = {
  read: 'What was restored so far is right.',
  written: 'What is there of the export is not whole, and has no manifest.',
};

export function tellFailure(
  use: StorageUse,
  { where, reason, remedy }: { where: string; reason: string; remedy: string }
): string {
  return `${where} could not be ${use} (${reason}). ${WHAT_BECAME[use]} ${remedy}, then say the same command again.`;
}
