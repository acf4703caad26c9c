// Most letters of a fragment, and most bytes that one may unpack to: what comes with a link is anybody's.
const MAX_FRAGMENT = 16 * 1024;
const MAX_SHARED = 1024 * 1024;
// Largest file that is put into the text field, where it can be seen and shared.
const MAX_SHOWN = 64 * 1024;
const VERSION = "#1.";

const at = (id) => document.getElementById(id);
const [text, answer, status_, progress] = [at("text"), at("answer"), at("status"), at("progress")];
let chinese = navigator.languages.find((tag) => /^(zh|en)\b/i.test(tag))?.toLowerCase().startsWith("zh") ?? false;
let dropped = [];
let [worker, run, isBusy] = [undefined, 0, false];

const words = () => WORDS[chinese ? "zh" : "en"];
const remembered = (key, value) => {
  try {
    if (value === undefined) return localStorage.getItem(key);
    localStorage.setItem(key, value);
  } catch { /* A page of a file, or one without storage, remembers nothing. */ }
};
const say = (message, state = "") => {
  status_.textContent = message;
  status_.dataset.state = state;
};

function speak() {
  document.documentElement.lang = chinese ? "zh" : "en";
  for (const part of document.querySelectorAll("[data-say]")) part.textContent = words()[part.dataset.say];
  const other = at("language");
  [other.textContent, other.lang] = chinese ? ["English", "en"] : ["中文", "zh"];
}

function paint(isDark) {
  document.documentElement.style.colorScheme = isDark ? "dark" : "light";
  at("theme").setAttribute("aria-pressed", String(isDark));
}

async function unpacked(bytes, format, most = Infinity) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format)).getReader();
  const pieces = [];
  for (let length = 0; ;) {
    const { value, done } = await reader.read();
    if (done) return new Uint8Array(await new Blob(pieces).arrayBuffer());
    length += value.length;
    if (length > most) throw new RangeError("too much");
    pieces.push(value);
  }
}

const fromBase64 = (letters) => Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));

async function started() {
  const code = new Blob([at("worker").textContent], { type: "text/javascript" });
  const address = URL.createObjectURL(code);
  const worker = new Worker(address);
  worker.onmessage = ({ data }) => heard(data);
  worker.onerror = (event) => { event.preventDefault(); heard({ failure: event.message }); };
  const module = await unpacked(fromBase64(at("module").textContent), "gzip");
  worker.postMessage({ module }, [module.buffer]);
  return worker;
}

function heard({ answer: markup, run: of, progress: part, failure, milliseconds }) {
  if (part !== undefined) {
    progress.value = part;
    return;
  }
  if (of !== undefined && of !== run) return;
  [isBusy, progress.hidden] = [false, true];
  if (failure !== undefined) {
    // What a trap leaves behind is not to be trusted.
    worker?.then((one) => one.terminate(), () => {});
    worker = undefined;
    answer.replaceChildren();
    say(`${words().failed} ${failure}`, "problem");
    return;
  }
  // The module escapes whatever came from the input, and the policy lets no script run that is not this one.
  answer.innerHTML = markup;
  const size = given().reduce((sum, blob) => sum + blob.size, 0);
  const shown = size < 1e6 ? `${Math.ceil(size / 1e3)} kB` : `${(size / 1e6).toFixed(1)} MB`;
  say(words().done(words().files(given().length), shown, (milliseconds / 1e3).toFixed(milliseconds < 100 ? 2 : 1)), "done");
}

const given = () => (text.value.trim() ? [new File([text.value], words().pasted), ...dropped] : dropped);

async function explain() {
  const blobs = given();
  run += 1;
  for (const id of ["share", "clear"]) at(id).hidden = blobs.length === 0;
  at("share").disabled = dropped.length > 0;
  if (isBusy) {
    // Nobody waits for it any more.
    worker?.then((one) => one.terminate(), () => {});
    worker = undefined;
  }
  if (blobs.length === 0) {
    answer.replaceChildren();
    [isBusy, progress.hidden] = [false, true];
    say("");
    return;
  }
  [isBusy, progress.hidden, progress.value] = [true, false, 0];
  say(words().working);
  const of = run;
  try {
    worker ??= started();
    const one = await worker;
    if (of === run) one.postMessage({ names: blobs.map((blob) => blob.name), blobs, chinese, run });
  } catch {
    [isBusy, progress.hidden, worker] = [false, true, undefined];
    say(words().unsupported, "problem");
  }
}

async function take(files) {
  const [first] = files;
  if (!first) return;
  const shown = files.length === 1 && first.size <= MAX_SHOWN && await first.text().catch(() => "");
  // What is text can be seen, edited and shared; a file that is none stays a file.
  if (shown && !/[\0\ufffd]/.test(shown) && !text.value.trim()) {
    [text.value, dropped] = [shown, []];
  } else {
    dropped = [...dropped, ...files];
    say(dropped.map((file) => file.name).join(", "));
  }
  explain();
}

async function share() {
  const packed = new Blob([text.value]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  let letters = "";
  for (const byte of bytes) letters += String.fromCharCode(byte);
  const fragment = VERSION + btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  if (fragment.length > MAX_FRAGMENT) return say(words().tooLarge, "problem");
  history.replaceState(null, "", fragment);
  await navigator.clipboard?.writeText(location.href).catch(() => {});
  say(words().shared);
}

async function open() {
  const { hash } = location;
  if (!hash.startsWith(VERSION)) return;
  try {
    if (hash.length > MAX_FRAGMENT) throw new RangeError("too long");
    const letters = hash.slice(VERSION.length).replaceAll("-", "+").replaceAll("_", "/");
    const bytes = await unpacked(fromBase64(letters), "deflate-raw", MAX_SHARED);
    [text.value, dropped] = [new TextDecoder("utf-8", { fatal: true }).decode(bytes), []];
    explain();
  } catch {
    say(words().badLink, "problem");
  }
}

let pause;
text.addEventListener("input", ({ inputType }) => {
  clearTimeout(pause);
  pause = setTimeout(explain, inputType === "insertFromPaste" ? 0 : 250);
});
at("choose").addEventListener("click", () => at("files").click());
at("files").addEventListener("change", ({ target }) => { take([...target.files]); target.value = ""; });
at("share").addEventListener("click", share);
at("clear").addEventListener("click", () => {
  [text.value, dropped] = ["", []];
  history.replaceState(null, "", location.pathname + location.search);
  explain();
  text.focus();
});
for (const button of document.querySelectorAll("[data-example]")) {
  button.addEventListener("click", () => {
    [text.value, dropped] = [EXAMPLES[button.dataset.example], []];
    explain();
  });
}
at("language").addEventListener("click", () => {
  chinese = !chinese;
  remembered("meshwhy-language", chinese ? "zh" : "en");
  speak();
  explain();
});
at("theme").addEventListener("click", ({ currentTarget }) => {
  const isDark = currentTarget.getAttribute("aria-pressed") !== "true";
  remembered("meshwhy-theme", isDark ? "dark" : "light");
  paint(isDark);
});
addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("over"); });
addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("over"); });
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  const { files } = event.dataTransfer;
  if (files.length > 0) return take([...files]);
  const pasted = event.dataTransfer.getData("text");
  if (pasted) { text.value = pasted; explain(); }
});
addEventListener("hashchange", open);

const language = remembered("meshwhy-language");
if (language) chinese = language === "zh";
const theme = remembered("meshwhy-theme");
paint(theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
speak();
open();
if (location.protocol !== "file:") navigator.serviceWorker?.register("sw.js").catch(() => {});
