// What the service's messages are in Chinese: src/faceveil/i18n/__init__.py once more, and it says how.

const LIST = "; ";
const HOLE = /\{(\d)([!*]?)\}/g;
const DEEPEST = 6;

/**
 * @param {Record<string, string>} catalogue messages -> their translations
 * @returns {(text: string) => string} the translation; the text itself where there is none
 */
export function translator(catalogue) {
  const exact = new Map();
  const patterns = [];
  for (const [english, chinese] of Object.entries(catalogue)) {
    const pieces = english.split(/\{\d\}/);
    const holes = [...chinese.matchAll(HOLE)];
    const names = holes.filter(([, , kind]) => !kind).map(([, number]) => Number(number));
    if (english.startsWith("{0} ")) names.push(0);
    if (pieces.length === 1) exact.set(english.toLowerCase(), chinese);
    else patterns.push({ pieces, chinese, names, words: pieces.join("").length });
  }
  patterns.sort((one, other) => other.words - one.words);

  function translated(text, depth) {
    const known = exact.get(text.toLowerCase());
    if (known !== undefined) return known;
    let doubtful = null;
    for (const { pieces, chinese, names } of depth < DEEPEST ? patterns : []) {
      const held = holds(pieces, text);
      if (!held) continue;
      if (!names.some((number) => held[number].includes(": "))) return filled(chinese, held, depth);
      doubtful ??= [chinese, held];
    }
    return doubtful ? filled(...doubtful, depth) : text;
  }

  const filled = (chinese, held, depth) =>
    chinese.replace(HOLE, (_, number, kind) => {
      if (!kind) return held[number];
      const parts = kind === "*" ? held[number].split(LIST) : [held[number]];
      return parts.map((part) => translated(part, depth + 1)).join("；");
    });

  return (text) => translated(text, 0);
}

/** What a text holds between the pieces, or null if they are not in it. */
function holds(pieces, text) {
  const last = pieces.at(-1);
  if (!text.startsWith(pieces[0]) || !text.endsWith(last)) return null;
  let at = pieces[0].length;
  const held = [];
  for (const piece of pieces.slice(1, -1)) {
    const end = text.indexOf(piece, at);
    if (end < 0) return null;
    held.push(text.slice(at, end));
    at = end + piece.length;
  }
  const end = text.length - last.length;
  return end < at ? null : [...held, text.slice(at, end)];
}
