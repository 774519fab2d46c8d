import { bytes } from '../format/format';

/** The most bytes that are read of a file. */
const FILE_BYTES_MAX = 16 << 20;

/** The text of a file that somebody chose or dropped; `tooLarge` says in words that it is too large. */
export async function readFileText(file: File, tooLarge: (size: string) => string): Promise<string> {
  if (file.size > FILE_BYTES_MAX) throw new Error(tooLarge(bytes(file.size)));
  return file.text();
}
