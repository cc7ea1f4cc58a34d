// What the theme's own script adds to a page gets what readers without eyes or mouse need: names, and focus where it scrolls.
"use strict";
(() => {
  const mend = () => {
    document.querySelectorAll(".md-code__nav").forEach((nav, index) => {
      const name = `Code ${index + 1}`;
      if (nav.getAttribute("aria-label") !== name) nav.setAttribute("aria-label", name);
    });
    document.querySelectorAll("nav.md-nav[aria-labelledby]").forEach((nav, index) => {
      const label = document.getElementById(nav.getAttribute("aria-labelledby"));
      const name = label && label.textContent.trim();
      nav.removeAttribute("aria-labelledby");
      nav.setAttribute("aria-label", name ? `Pages of ${name}` : `Pages, part ${index + 1}`);
    });
    const seen = new Map();
    document.querySelectorAll("nav[aria-label]").forEach((nav) => {
      const name = nav.getAttribute("aria-label").replace(/ \(\d+\)$/, "");
      const key = name.toLowerCase(); // names that differ in case alone are read alike
      const count = (seen.get(key) || 0) + 1;
      seen.set(key, count);
      const told = count > 1 ? `${name} (${count})` : name;
      if (nav.getAttribute("aria-label") !== told) nav.setAttribute("aria-label", told);
    });
    document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])").forEach((one) => { one.tabIndex = 0; });
  };
  mend();
  new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
})();
