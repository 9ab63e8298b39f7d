// The language files, as the pages and mails use them: what stands there must be in one language, and in words.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

export const LANGUAGES = ["nl", "fr", "en", "de"];
/** Shorter pieces of English may be names, or the same in two languages. */
const PIECE_MIN_LETTERS = 12;

const texts = Object.fromEntries(LANGUAGES.map((language) => [language, read(language)]));
const KEYS = new Set(Object.keys(texts.en).filter((key) => key.split("-").length > 1));

/** Key to text; of a text with forms for numbers only what is common to all is kept. */
function read(language) {
  const source = readFileSync(new URL(`../../../src/i18n/${language}.ftl`, import.meta.url), "utf8");
  const found = {};
  let key = "";
  for (const line of source.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const start = /^([a-z][\w-]*) = (.*)$/.exec(line);
    if (start) found[(key = start[1])] = start[2];
    else found[key] += `\n${line}`;
  }
  return found;
}

/** A text with its values filled in. */
export function text(language, key, values = {}) {
  const pattern = texts[language][key];
  assert.ok(pattern !== undefined, `${language}.ftl has no ${key}`);
  return pattern.replace(/\{ \$(\w+) \}/g, (_, name) => values[name]);
}

/** The fixed pieces of a language's texts that are long enough to say which language it is. */
function pieces(language) {
  const all = Object.values(texts[language]).flatMap((pattern) => pattern.split(/\{[^}]*\}|\n|\[\w+\]/));
  return new Set(all.map((piece) => piece.trim()).filter((piece) => piece.length >= PIECE_MIN_LETTERS));
}
const PIECES = Object.fromEntries(LANGUAGES.map((language) => [language, pieces(language)]));

/** Fails where words hold a key instead of its text, an unfilled value, or a text of another language. */
export function checkWords(words, language, place) {
  const keys = words.split(/[^\w-]+/).filter((word) => KEYS.has(word));
  assert.deepEqual(keys, [], `${place}: names of texts instead of texts`);
  assert.doesNotMatch(words, /\{ ?\$|\bundefined\b|\{\{|[\u2068\u2069\ue000\ue001]/, `${place}: a value that was not filled in`);
  for (const other of LANGUAGES.filter((other) => other !== language)) {
    const foreign = [...PIECES[other]].filter((piece) => !PIECES[language].has(piece) && words.includes(piece));
    assert.deepEqual(foreign, [], `${place}: ${other} on a page in ${language}`);
  }
}
