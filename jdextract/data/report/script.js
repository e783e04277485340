
(() => {
  "use strict";
  const docs = [...document.querySelectorAll("article.doc")];
  const links = [...document.querySelectorAll(".names a")];
  const failures = document.getElementById("failures");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const narrow = matchMedia("(max-width: 60rem)");
  document.documentElement.classList.add("live");

  // One document at a time; the address names it, or a value in it.
  function show(doc) {
    for (const other of docs) other.hidden = other !== doc;
    if (failures) failures.hidden = Boolean(doc);
    for (const link of links) {
      if (doc && link.hash === "#" + doc.id) {
        link.setAttribute("aria-current", "true");
        if (!narrow.matches) link.scrollIntoView({ block: "nearest" });
      } else link.removeAttribute("aria-current");
    }
  }

  function mark(doc, key) {
    for (const old of document.querySelectorAll(".on")) old.classList.remove("on");
    for (const part of doc.querySelectorAll(`[data-key~="${key}"]`)) part.classList.add("on");
  }

  function go(target) {
    target.scrollIntoView({ block: "center", behavior: calm.matches ? "auto" : "smooth" });
    target.focus({ preventScroll: true });
  }

  function route() {
    const target = document.getElementById(location.hash.slice(1));
    const doc = target ? target.closest("article.doc") : docs[0];
    show(doc);
    if (!target) return;
    if (target.dataset.key) {
      mark(doc, target.dataset.key.split(" ")[0]);
      go(target);
    } else if (narrow.matches && target !== docs[0]) {
      target.scrollIntoView();
    } else {
      scrollTo(0, 0);
    }
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-key]");
    if (!link) return;
    event.preventDefault();
    const doc = link.closest("article.doc");
    // A stretch of text may belong to several values: each click takes the next one.
    const keys = link.dataset.key.split(" ");
    const last = link.classList.contains("run") ? keys.indexOf(link.dataset.last || "") : -1;
    const key = keys[(last + 1) % keys.length];
    link.dataset.last = key;
    const side = link.classList.contains("run") ? "v-" : "s-";
    const target = document.getElementById(side + key) || doc.querySelector(`.run[data-key~="${key}"]`);
    mark(doc, key);
    if (!target) return;
    history.replaceState(null, "", "#" + (target.id || link.id));
    go(target);
  });

  document.addEventListener("change", (event) => {
    const zone = event.target.dataset.zone;
    if (!zone) return;
    for (const run of document.querySelectorAll(".text .z-" + zone)) run.classList.toggle("off", !event.target.checked);
  });

  const search = document.querySelector(".search");
  const none = document.querySelector(".none");
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/);
    let found = 0;
    for (const item of document.querySelectorAll(".names li")) {
      const name = item.textContent.toLowerCase();
      item.hidden = !words.every((word) => name.includes(word));
      found += item.hidden ? 0 : 1;
    }
    none.hidden = found > 0;
  });

  if (narrow.matches) document.querySelector(".names details").open = docs.length < 4;
  else document.querySelector(".legend").open = true;
  addEventListener("hashchange", route);
  route();
})();
