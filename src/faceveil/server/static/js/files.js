// Files out of whatever was dropped, pasted or chosen, each with its path inside its folder.

/** @typedef {import("./api.js").Given} Given */

/** What a file input holds; a folder's files come with their path. @param {HTMLInputElement} input @returns {Given[]} */
export const fromInput = (input) =>
  [...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

/** What was pasted. @param {DataTransfer | null} clipboard @returns {Given[]} */
export const fromClipboard = (clipboard) =>
  [...(clipboard?.files ?? [])].map((file) => ({ file, path: file.name }));

/** What was dropped, folders with all below them. @param {DataTransfer} transfer */
export async function fromDrop(transfer) {
  // All of them are gone as soon as the event is over, so they are taken out before any wait. An entry
  // is for folders: WebKit's cannot read a file that lies in none, such as a picture out of a page.
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => {
    const entry = item.webkitGetAsEntry?.();
    return entry?.isDirectory ? entry : item.getAsFile();
  });
  /** @type {Given[]} */
  const found = [];
  for (const entry of entries) {
    if (entry instanceof File) found.push({ file: entry, path: entry.name });
    else if (entry) await collect(entry, found);
  }
  return found;
}

/** Files that no one meant to hand in: the system's own notes about folders. @param {{path: string}} given */
export const isClutter = ({ path }) =>
  path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX" || part === "Thumbs.db");

/** @param {FileSystemEntry} entry @param {Given[]} found */
async function collect(entry, found) {
  if (entry.isFile) {
    const one = /** @type {FileSystemFileEntry} */ (entry);
    /** @type {File} */
    const file = await new Promise((resolve, reject) => one.file(resolve, reject));
    found.push({ file, path: entry.fullPath.replace(/^\//, "") });
  } else if (entry.isDirectory) {
    const folder = /** @type {FileSystemDirectoryEntry} */ (entry);
    for (const below of await list(folder.createReader())) await collect(below, found);
  }
}

/** A reader gives a hundred entries at a time. @param {FileSystemDirectoryReader} reader */
async function list(reader) {
  /** @type {FileSystemEntry[]} */
  const all = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}
