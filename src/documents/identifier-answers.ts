import { stringify } from 'csv-stringify/sync';
import type { AnsweredRow, AnswerTarget } from '../domain/documents.ts';
import { formatSourceIdentifier } from '../domain/source-identifier.ts';
import type { TextTarget } from './files.ts';
import type { RowFormat } from './identifier-rows.ts';

const ANSWER_COLUMNS = ['CanonicalId', 'Outcome', 'Warning', 'Error'];

/** One line a row, in the form in which the rows came; a CSV file gets its answers as last columns. */
export function writeAnswers(target: TextTarget, format: RowFormat): AnswerTarget {
  const { header, toText } = format.kind === 'ndjson' ? ndjson : csv(format);
  let isHeaded = false;
  const write = async (text: string): Promise<void> => {
    await target.write(isHeaded ? text : header + text);
    isHeaded = true;
  };
  return {
    name: target.name,
    write: answers => write(toText(answers)),
    complete: async () => {
      if (!isHeaded) await write('');
      await target.complete();
    },
    discard: () => target.discard(),
  };
}

interface AnswerText {
  readonly header: string;
  readonly toText: (answers: readonly AnsweredRow[]) => string;
}

const ndjson: AnswerText = {
  header: '',
  toText: answers => answers.map(answer => `${JSON.stringify(toJson(answer))}\n`).join(''),
};

function toJson({ row, answer: { canonicalId, outcome, warning, error } }: AnsweredRow): object {
  const source = shownSource(row.source);
  if (error) return { source, error: { code: error.code, message: error.message } };
  const told = warning && { code: warning.code, message: warning.message, ...warning.details };
  return { source, canonicalId, outcome, ...(told && { warning: told }) };
}

/** The text form where there is one; else what was given, so that the line can be found again. */
function shownSource(source: unknown): unknown {
  if (typeof source !== 'object' || source === null) return source ?? null;
  const { ontologyType, sourceSystem, value } = source as Partial<Record<string, unknown>>;
  return typeof ontologyType === 'string' &&
    typeof sourceSystem === 'string' &&
    typeof value === 'string'
    ? formatSourceIdentifier({ ontologyType, sourceSystem, value })
    : source;
}

function csv({ header, delimiter }: Extract<RowFormat, { kind: 'csv' }>): AnswerText {
  const kept = header.flatMap((title, index) => (ANSWER_COLUMNS.includes(title) ? [] : [index]));
  const toFields = ({ row, answer: { canonicalId, outcome, warning, error } }: AnsweredRow) => [
    ...kept.map(index => row.fields?.[index] ?? ''),
    canonicalId ?? '',
    outcome ?? '',
    warning?.code ?? '',
    error?.code ?? '',
  ];
  return {
    header: stringify([[...kept.map(index => header[index]), ...ANSWER_COLUMNS]], { delimiter }),
    toText: answers => stringify(answers.map(toFields), { delimiter }),
  };
}
