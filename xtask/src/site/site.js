"use strict";
// The search of `meshwhy search` (Okapi BM25), over the terms that it counted: INDEX comes from terms.js.
const isHan = letter => /[\u3400-\u9fff]/.test(letter);

function term(word) {
  if (new TextEncoder().encode(word).length < 2 || INDEX.common.includes(word)) return [];
  for (const ending of INDEX.endings) {
    if (word.endsWith(ending) && word.length - ending.length >= INDEX.least) return [word.slice(0, -ending.length)];
  }
  return [word];
}

function terms(text) {
  const found = [];
  for (const word of text.split(/[^\p{Alphabetic}\p{N}]+/u)) {
    let before = null, rest = "";
    for (const letter of word) {
      if (isHan(letter)) {
        if (before) found.push(before + letter);
        before = letter;
        rest += " ";
      } else {
        before = null;
        rest += letter.toLowerCase();
      }
    }
    found.push(...rest.split(" ").flatMap(term));
  }
  return new Set(found);
}

function search(words) {
  const { saturation, length, han, lengths } = INDEX, all = lengths.length, scores = new Map();
  const mean = lengths.reduce((sum, one) => sum + one, 0) / all;
  for (const wanted of [...terms(words)].slice(0, 64)) {
    if (!Object.hasOwn(INDEX.terms, wanted)) continue;
    const pairs = INDEX.terms[wanted], having = pairs.length / 2;
    let rarity = Math.log1p((all - having + 0.5) / (having + 0.5));
    if (isHan([...wanted][0])) rarity = Math.min(rarity, han);
    for (let at = 0; at < pairs.length; at += 2) {
      const entry = pairs[at], count = pairs[at + 1];
      const long = saturation * (1 - length + length * lengths[entry] / mean);
      scores.set(entry, (scores.get(entry) ?? 0) + rarity * count * (saturation + 1) / (count + long));
    }
  }
  return [...scores].sort((one, other) => other[1] - one[1]).slice(0, 20).map(([entry]) => INDEX.codes[entry]);
}

const input = document.getElementById("search"), results = document.getElementById("results");
const all = document.getElementById("all"), status = document.getElementById("found");
const rows = new Map([...document.querySelectorAll("li[data-code]")].map(row => [row.dataset.code, row]));

function show() {
  const words = input.value.trim(), found = words ? search(words) : [];
  all.hidden = found.length > 0;
  results.hidden = found.length === 0;
  results.replaceChildren(...found.filter(code => rows.has(code)).map(code => rows.get(code).cloneNode(true)));
  status.textContent = !words ? "" : found.length ? status.dataset.some.replace("{}", found.length) : status.dataset.none;
  history.replaceState(null, "", words ? "#q=" + encodeURIComponent(words) : location.pathname + location.search);
}

input.hidden = false;
if (location.hash.startsWith("#q=")) {
  try { input.value = decodeURIComponent(location.hash.slice(3)); show(); } catch { /* no words */ }
}
input.addEventListener("input", show);
