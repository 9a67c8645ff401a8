"use strict";
// Shows what was saved: asks whether the files have changed, and puts in what is new. Without this, reload the page.
(() => {
  const EVERY = 350;
  const state = {stamp: document.body.dataset.stamp, busy: false};
  const ended = document.querySelector("[data-ended]");
  const said = document.querySelector("[data-said]");

  const key = element => element.dataset.live || element.id;
  const parts = root => [...root.querySelectorAll("[data-live], [data-frame]")];
  const shape = root => parts(root).map(key).join(" ");

  // A letter is loaded behind the one that shows and takes its place when it is there, scrolled as far.
  const exchange = (old, fresh) => {
    if (old.getAttribute("src") === fresh.getAttribute("src")) return;
    old.parentElement.querySelectorAll("iframe.coming").forEach(frame => frame.remove());
    const coming = document.importNode(fresh);
    coming.removeAttribute("id");
    coming.classList.add("coming");
    coming.addEventListener("load", () => {
      if (!coming.isConnected) return;
      try {
        coming.contentWindow.scrollTo(0, old.contentWindow.scrollY);
      } catch { /* It shows from its top. */ }
      coming.id = old.id;
      coming.classList.remove("coming");
      old.remove();
    });
    old.after(coming);
  };

  const put = (old, fresh) => {
    if (old.outerHTML === fresh.outerHTML) return;
    const scrolled = new Map([old, ...old.querySelectorAll("[data-keep]")].filter(one => one.dataset.keep)
      .map(one => [one.dataset.keep, one.scrollTop]));
    const focus = old.contains(document.activeElement) ? document.activeElement : null;
    const within = focus && (focus.id || focus.getAttribute("href"));
    const fitting = document.importNode(fresh, true);
    old.replaceWith(fitting);
    for (const one of [fitting, ...fitting.querySelectorAll("[data-keep]")]) {
      if (scrolled.has(one.dataset.keep)) one.scrollTop = scrolled.get(one.dataset.keep);
    }
    if (within) [...fitting.querySelectorAll("a, select, button, [tabindex]")]
      .find(one => (one.id || one.getAttribute("href")) === within)?.focus({preventScroll: true});
  };

  // Everything anew, each frame and each sheet as far down as the one of its name was.
  const replace = page => {
    const frames = new Map([...document.querySelectorAll("[data-frame]")].map(one => [one.id, one.contentWindow.scrollY]));
    const sheets = new Map([...document.querySelectorAll("[data-keep]")].map(one => [one.dataset.keep, one.scrollTop]));
    const fresh = document.importNode(page.querySelector(".top + *"), true);
    for (const frame of fresh.querySelectorAll("[data-frame]")) {
      if (frames.has(frame.id)) frame.addEventListener("load", () => frame.contentWindow.scrollTo(0, frames.get(frame.id)), {once: true});
    }
    document.querySelector(".top + *").replaceWith(fresh);
    for (const sheet of fresh.querySelectorAll("[data-keep]")) sheet.scrollTop = sheets.get(sheet.dataset.keep) || 0;
    put(document.querySelector("[data-live=state]"), page.querySelector("[data-live=state]"));
  };

  const showNow = async address => {
    const answer = await fetch(address, {cache: "no-store"});
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const there = {x: scrollX, y: scrollY};
    if (shape(document) === shape(page)) {
      const now = parts(document);
      parts(page).forEach((fresh, place) => {
        if (fresh.matches("[data-frame]")) exchange(now[place], fresh);
        else put(now[place], fresh);
      });
      // Whether a frame is greyed stands round it.
      for (const pane of document.querySelectorAll(".pane:not([data-live])")) {
        const fresh = page.getElementById(pane.getAttribute("aria-labelledby")).closest(".pane");
        pane.className = fresh.className;
        put(pane.querySelector("h2"), fresh.querySelector("h2"));
      }
    } else {
      replace(page);
    }
    document.title = page.title;
    state.stamp = page.body.dataset.stamp;
    scrollTo(there.x, there.y);
    said.textContent = document.querySelector(".trouble strong")?.textContent || "Shown as saved.";
  };

  // One after the other: what was asked for last stands in the end.
  let line = Promise.resolve();
  const show = address => (line = line.catch(() => {}).then(() => showNow(address)));

  const look = async () => {
    if (state.busy || document.hidden) return;
    state.busy = true;
    try {
      const answer = await fetch("/stamp", {cache: "no-store"});
      if (answer.ok && (await answer.text()) !== state.stamp) await show(location.href);
      if (ended.textContent) ended.textContent = "";
    } catch {
      if (!ended.textContent) ended.textContent = "The preview has ended. Start it again in your terminal.";
    } finally {
      state.busy = false;
    }
  };

  // Another pane or reader takes the place of the old without the page going to its top.
  const go = async address => {
    history.pushState(null, "", address);
    await show(address);
  };
  document.addEventListener("click", event => {
    const link = event.target.closest(".panes a");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const id = link.id;
    go(link.href).then(() => document.getElementById(id)?.focus({preventScroll: true})).catch(() => location.assign(link.href));
  });
  document.addEventListener("change", event => {
    const form = event.target.closest("[data-auto]");
    if (!form) return;
    const id = event.target.id;
    const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    go(address).then(() => document.getElementById(id)?.focus({preventScroll: true})).catch(() => location.assign(address));
  });
  addEventListener("popstate", () => show(location.href).catch(() => location.reload()));
  document.addEventListener("visibilitychange", look);
  document.querySelector(".side [aria-current]")?.scrollIntoView({block: "nearest"});
  document.documentElement.classList.add("live");
  setInterval(look, EVERY);
})();
