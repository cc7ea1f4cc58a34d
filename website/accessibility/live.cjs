// node live.cjs BROWSER PAGE DIRECTORY: a page of the dashboard that is replaced keeps what a reader has done with it.
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { chromium } = require("playwright-core");

const [browserPath, address, directory] = process.argv.slice(2);
const patience = { timeout: 180000 };

(async () => {
  const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
  const page = await browser.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  await page.goto(address, patience);
  await page.locator("#every").getByRole("button", { name: "epochs" }).click();
  const filter = page.getByLabel("Every trial: rows with");
  await filter.fill("initial epochs>=1");
  await filter.evaluate((input) => input.setSelectionRange(3, 3));
  await page.locator("#population summary").first().click();
  await page.locator("#every .scroll").evaluate((region) => region.scrollTo(40, 30));
  await filter.focus();
  const shown = await page.locator("#every tbody tr:visible").allTextContents();
  await page.evaluate(() => document.querySelector("main > header").setAttribute("data-old", ""));

  // A directory whose files are newer has changed, for all that the dashboard knows.
  const journal = path.join(directory, "journal");
  for (const name of fs.readdirSync(journal)) fs.utimesSync(path.join(journal, name), new Date(), new Date());
  await page.waitForFunction(() => !document.querySelector("main > header").hasAttribute("data-old"), null, patience);

  assert.equal(await filter.inputValue(), "initial epochs>=1");
  assert(await filter.evaluate((input) => input === document.activeElement && input.selectionStart === 3), "the caret");
  assert.deepEqual(await page.locator("#every tbody tr:visible").allTextContents(), shown);
  assert.equal(await page.locator("#every th[aria-sort=ascending]").textContent(), "epochs");
  assert(await page.locator("#population details").first().evaluate((one) => one.open), "what was opened is open");
  assert.equal(await page.locator("#every .scroll").evaluate((region) => region.scrollTop), 30);
  assert.deepEqual(wrong, []);
  await browser.close();
  console.log("a page that is replaced keeps order, filter, caret, place and what is open");
})();
