"use strict";
const search = document.querySelector("input");
const parts = [...document.querySelectorAll("[data-words]")];
search.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const part of parts) part.hidden = !words.every((word) => part.dataset.words.includes(word));
});
for (const button of document.querySelectorAll("button")) {
  button.addEventListener("click", async () => {
    const text = button.nextElementSibling;
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch {
      getSelection().selectAllChildren(text);
      document.execCommand("copy");
    }
    const label = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 1500);
  });
}
document.addEventListener("keydown", (event) => {
  if (event.target === search) {
    if (event.key === "Escape") { search.value = ""; search.dispatchEvent(new Event("input")); search.blur(); }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") { event.preventDefault(); search.focus(); }
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  const shown = [...document.querySelectorAll("article:not([hidden])")];
  const at = shown.indexOf(document.activeElement);
  const next = shown[Math.min(Math.max(at + step, 0), shown.length - 1)];
  if (next) { next.focus(); next.scrollIntoView(); }
});
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
