"use strict";
// Reads files piece by piece for the module, which asks for them synchronously.
const PIECE = 4 * 1024 * 1024;
const files = [];
let [done, total, reported] = [0, 1, 0];

// Called by the module: writes the next bytes of a file.
function read_file(number, into) {
  const file = files[number];
  if (file.at === file.piece.length) {
    const next = file.blob.slice(file.begin, file.begin + PIECE);
    file.piece = new Uint8Array(new FileReaderSync().readAsArrayBuffer(next));
    file.at = 0;
    file.begin += file.piece.length;
    done += file.piece.length;
    const now = performance.now();
    if (now - reported > 50) {
      reported = now;
      postMessage({ progress: Math.min(done / total, 1) });
    }
  }
  const bytes = file.piece.subarray(file.at, file.at + into.length);
  into.set(bytes);
  file.at += bytes.length;
  return bytes.length;
}

// What PowerShell writes in UTF-16, in UTF-8; anything else as it is.
function in_utf_8(blob) {
  const read = (part) => new FileReaderSync().readAsArrayBuffer(part);
  const [first, second] = new Uint8Array(read(blob.slice(0, 2)));
  const encoding = first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : undefined;
  return encoding ? new Blob([new TextDecoder(encoding).decode(read(blob))]) : blob;
}

onmessage = ({ data }) => {
  try {
    if (data.module) {
      wasm_bindgen.initSync({ module: data.module });
      return;
    }
    const started = performance.now();
    files.length = 0;
    for (const blob of data.blobs.map(in_utf_8)) files.push({ blob, begin: 0, piece: new Uint8Array(), at: 0 });
    [done, total, reported] = [0, files.reduce((sum, { blob }) => sum + blob.size, 0) || 1, 0];
    const answer = wasm_bindgen.explain(data.names, data.chinese, Date.now());
    postMessage({ answer, run: data.run, milliseconds: performance.now() - started });
  } catch (error) {
    postMessage({ failure: String(error) });
  }
};
