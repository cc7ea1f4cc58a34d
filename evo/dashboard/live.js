// Looks every two seconds whether the page has changed, and puts the new one in its place: what is open stays open.
"use strict";
(() => {
  const main = document.querySelector("main");
  const state = document.getElementById("live");
  const focusable = "a, summary, button, input, [tabindex]";
  const named = (one) => one.tagName + (one.getAttribute("aria-label") ?? one.textContent);
  let version = document.documentElement.dataset.version;

  const take = (page) => {
    const open = new Set();
    for (const one of main.querySelectorAll("details[open] > summary")) open.add(one.textContent);
    const focused = main.contains(document.activeElement) ? document.activeElement : null;
    const caret = focused?.selectionStart;
    const scrolled = [...main.querySelectorAll(".scroll")].map((one) => [named(one), one.scrollLeft, one.scrollTop]);
    main.replaceChildren(...page.querySelector("main").childNodes);
    document.dispatchEvent(new Event("replaced"));
    for (const one of main.querySelectorAll("details > summary")) {
      if (open.has(one.textContent)) one.parentElement.open = true;
    }
    for (const [name, left, top] of scrolled) {
      [...main.querySelectorAll(".scroll")].find((one) => named(one) === name)?.scrollTo(left, top);
    }
    if (focused) {
      const same = [...main.querySelectorAll(focusable)].find((one) => named(one) === named(focused));
      same?.focus({ preventScroll: true });
      if (caret !== undefined && caret !== null) same?.setSelectionRange(caret, caret);
    }
    version = page.documentElement.dataset.version;
  };

  const look = async () => {
    try {
      const answer = await fetch(location.pathname, { headers: { "If-None-Match": `"${version}"` }, cache: "no-store" });
      if (answer.status === 200) {
        take(new DOMParser().parseFromString(await answer.text(), "text/html"));
      } else if (answer.status !== 304) {
        throw new Error(answer.statusText);
      }
      state.textContent = "live";
    } catch {
      state.textContent = "no answer from the dashboard: is it still running?";
    }
    setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
})();
