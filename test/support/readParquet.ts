/** Rows and metadata of a Parquet file, read outside of jest, which cannot import ES modules. */
import { spawnSync } from 'node:child_process';
import { repositoryRoot } from './paths';

const PROGRAM = `
  import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
  const file = await asyncBufferFromFile(process.argv[1]);
  const metadata = await parquetMetadataAsync(file);
  console.log(JSON.stringify({
    rows: await parquetReadObjects({ file, metadata }),
    metadata: Object.fromEntries(metadata.key_value_metadata.map(({ key, value }) => [key, value])),
    columns: parquetSchema(metadata).children.map(({ element }) => element.name),
  }));
`;

export interface ParquetFile<Row> {
  readonly rows: readonly Row[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
}

export function readParquet<Row>(file: string): ParquetFile<Row> {
  const given = ['--input-type=module', '-e', PROGRAM, file];
  const { status, stdout, stderr } = spawnSync(process.execPath, given, {
    cwd: repositoryRoot,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw new Error(`${file}: ${stderr}`);
  return JSON.parse(stdout) as ParquetFile<Row>;
}
