(() => {
  "use strict";
  // What a cell says, where a pointer rests on it.
  for (const shape of document.querySelectorAll(".matrix a [aria-label]")) {
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = shape.getAttribute("aria-label");
    shape.append(title);
  }

  // The address names a cell or a section; what lies in a closed part is opened.
  function route() {
    for (const old of document.querySelectorAll(".matrix a.on")) old.classList.remove("on");
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let part = target; part; part = part.parentElement) {
      if (part.tagName === "DETAILS" && !part.open) {
        part.open = true;
        target.scrollIntoView();
      }
    }
    if (!target.classList.contains("cell")) return;
    for (const link of document.querySelectorAll(`.matrix a[href="#${target.id}"]`)) link.classList.add("on");
    target.focus({ preventScroll: true });
  }

  addEventListener("hashchange", route);
  addEventListener("keydown", (event) => {
    const cell = event.key === "Escape" && document.querySelector(".cell:target");
    if (cell) location.hash = cell.querySelector(".back").hash;
  });
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
  });
  route();
})();
