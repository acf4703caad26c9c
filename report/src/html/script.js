"use strict";
document.addEventListener("input", ({ target }) => {
  if (!target.matches("input[type=search]")) return;
  const words = target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const part of document.querySelectorAll("[data-words]")) {
    part.hidden = !words.every((word) => part.dataset.words.includes(word));
  }
});
document.addEventListener("click", async ({ target }) => {
  if (!target.matches(".step > button")) return;
  const text = target.nextElementSibling;
  try {
    await navigator.clipboard.writeText(text.textContent);
  } catch {
    getSelection().selectAllChildren(text);
    document.execCommand("copy");
  }
  const label = target.textContent;
  target.textContent = target.dataset.done;
  setTimeout(() => { target.textContent = label; }, 1500);
});
document.addEventListener("keydown", (event) => {
  const search = document.querySelector("input[type=search]");
  if (search && event.target === search) {
    if (event.key === "Escape") { search.value = ""; search.dispatchEvent(new Event("input", { bubbles: true })); search.blur(); }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  if (event.key === "/" && search) { event.preventDefault(); search.focus(); }
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  const shown = [...document.querySelectorAll("article:not([hidden])")];
  const at = shown.indexOf(document.activeElement);
  const next = shown[Math.min(Math.max(at + step, 0), shown.length - 1)];
  if (next) { next.focus(); next.scrollIntoView(); }
});
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
