"use strict";
// The newest page where there is a network, else the one that was here last. Nothing else is ever fetched.
const CACHE = "meshwhy";
addEventListener("install", (event) => event.waitUntil(caches.open(CACHE).then((cache) => cache.add("./")).then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  if (event.request.mode !== "navigate") return;
  event.respondWith((async () => {
    const cache = await caches.open(CACHE);
    try {
      const response = await fetch(event.request);
      if (response.ok) await cache.put("./", response.clone());
      return response;
    } catch (error) {
      const kept = await cache.match("./");
      if (kept) return kept;
      throw error;
    }
  })());
});
