// node check.cjs BROWSER ADDRESS...: axe on each page, light and dark, in the widths of a phone, a tablet and a desk. Fails where it finds something.
"use strict";
const axe = require("axe-core");
const { chromium } = require("playwright-core");

const [browserPath, ...addresses] = process.argv.slice(2);
const VIEWS = [390, 900, 1280].flatMap((width) =>
  ["light", "dark"].map((colorScheme) => ({ viewport: { width, height: 900 }, colorScheme })),
);

(async () => {
  const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
  let bad = 0;
  for (const view of VIEWS) {
    // The dashboard's own rules forbid scripts of others, of which axe is one here.
    const context = await browser.newContext({ ...view, bypassCSP: true, reducedMotion: "reduce" });
    for (const address of addresses) {
      const page = await context.newPage();
      await page.goto(address, { waitUntil: "load", timeout: 180000 }); // the dashboard makes its pages when asked
      await page.waitForTimeout(300);
      await page.evaluate(axe.source);
      const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
      for (const one of found.violations) {
        bad += 1;
        console.log(`${address} (${view.viewport.width}, ${view.colorScheme}): ${one.id}: ${one.help}`);
        for (const node of one.nodes.slice(0, 3)) {
          console.log(`    ${node.html.slice(0, 160)}`);
          console.log(`    ${(node.failureSummary || "").replace(/\s+/g, " ").slice(0, 220)}`);
        }
      }
      await page.close();
    }
    await context.close();
  }
  await browser.close();
  console.log(`${addresses.length} pages in ${VIEWS.length} views: ${bad} violations`);
  process.exit(bad ? 1 : 0);
})();
