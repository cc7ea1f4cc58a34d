// node tables.cjs BROWSER REPORT: its tables sort and filter where scripts run, and are all there where none do.
"use strict";
const assert = require("node:assert/strict");
const { chromium } = require("playwright-core");

const [browserPath, report] = process.argv.slice(2);
const shown = (page) => page.locator("#every tbody tr:visible");
const column = async (page, name) => {
  const names = await page.locator("#every thead th").allTextContents();
  return shown(page).locator(`td:nth-child(${names.indexOf(name) + 1})`).allTextContents();
};
const numbers = (texts) => texts.map(Number);
const ascending = (values) => values.every((value, index) => index === 0 || values[index - 1] <= value);

(async () => {
  const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
  const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await plain.goto(report);
  const all = numbers(await column(plain, "trial"));
  assert(all.length > 10 && ascending(all), "without scripts: every trial by its number");
  assert.equal(await plain.locator("button, input").count(), 0, "without scripts: nothing that would do nothing");

  const page = await browser.newPage();
  const wrong = [];
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(error.message));
  await page.goto(report);
  assert.deepEqual(numbers(await column(page, "trial")), all);
  const sort = page.locator("#every").getByRole("button", { name: "epochs" });
  await sort.press("Enter");
  const epochs = numbers(await column(page, "epochs"));
  assert(ascending(epochs), "sorted");
  assert.equal(await page.locator("#every th[aria-sort=ascending]").textContent(), "epochs");
  await sort.click();
  assert.deepEqual(numbers(await column(page, "epochs")), epochs.toReversed(), "turned round");
  assert.equal(await page.locator("#every th[aria-sort]").getAttribute("aria-sort"), "descending");

  const most = Math.max(...epochs);
  await page.getByLabel("Every trial: rows with").fill(`epochs>=${most} COMPLETED`);
  const left = await column(page, "epochs");
  assert(left.length > 0 && left.every((value) => Number(value) === most), "filtered by a comparison and a word");
  assert.equal(await page.locator("#every").getByRole("status").textContent(), `${left.length} of ${all.length} shown`);
  await page.getByLabel("Every trial: rows with").fill("no such trial");
  assert.equal(await shown(page).count(), 0);
  await page.getByLabel("Every trial: rows with").fill("");
  assert.equal(await shown(page).count(), all.length);
  assert.deepEqual(wrong, [], "nothing is refused by the report's own policy");
  await browser.close();
  console.log("tables sort and filter");
})();
