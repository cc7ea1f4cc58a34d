// Tables that are sorted by a click on a column's name, and whose rows are filtered. Without this script they are plain tables.
"use strict";
(() => {
  // What was chosen, by the table's name: the dashboard puts a new page in place of the old one.
  const chosen = new Map();

  const value = (row, column) => {
    const cell = row.cells[column];
    const given = (cell?.dataset.value ?? cell?.textContent ?? "").trim();
    if (given === "" || given === "–") return null;
    return Number.isNaN(Number(given)) ? given : Number(given);
  };

  const compared = (a, b) => {
    if (typeof a === typeof b) return typeof a === "number" ? a - b : a.localeCompare(b);
    return typeof a === "number" ? -1 : 1;
  };

  // Numbers ascend, cells without a value stay last either way, and equal ones keep the order that they came in.
  const sort = (body, rows, { column, descending }) => {
    const keyed = rows.map((row) => ({ row, key: column === undefined ? 0 : value(row, column) }));
    keyed.sort((a, b) => {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
      return descending ? compared(b.key, a.key) : compared(a.key, b.key);
    });
    body.append(...keyed.map(({ row }) => row));
  };

  const test = (names, word) => {
    const [, name, sign, bound] = word.match(/^(.+?)(<=|>=|<|>|=)(-?\d\S*)$/) ?? [];
    const column = names.indexOf(name);
    if (column < 0 || Number.isNaN(Number(bound))) return (row) => row.textContent.toLowerCase().includes(word);
    const holds = { "<": (v, b) => v < b, ">": (v, b) => v > b, "=": (v, b) => v === b, "<=": (v, b) => v <= b, ">=": (v, b) => v >= b };
    return (row) => {
      const found = value(row, column);
      return typeof found === "number" && holds[sign](found, Number(bound));
    };
  };

  const filter = (table, rows, state) => {
    const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim().toLowerCase());
    const tests = state.words.toLowerCase().split(/\s+/).filter(Boolean).map((word) => test(names, word));
    let shown = 0;
    for (const row of rows) {
      row.hidden = !tests.every((holds) => holds(row));
      shown += !row.hidden;
    }
    return `${shown} of ${rows.length} shown`;
  };

  const prepare = (table) => {
    const region = table.closest("[aria-label]");
    const name = region.getAttribute("aria-label");
    const state = chosen.get(name) ?? { words: "" };
    chosen.set(name, state);
    const [body] = table.tBodies;
    const rows = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    const show = () => {
      sort(body, rows, state);
      heads.forEach((head, column) => {
        if (column === state.column) head.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
    };
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        state.descending = state.column === column && !state.descending;
        state.column = column;
        show();
      });
    });
    show();
    if (!("filter" in table.dataset)) return;
    const line = document.createElement("p");
    const label = document.createElement("label");
    const input = document.createElement("input");
    const told = document.createElement("span");
    line.className = "filter";
    label.textContent = "Rows with: ";
    input.type = "search";
    input.value = state.words;
    input.setAttribute("aria-label", `${name}: rows with these words, and comparisons like ${table.dataset.filter}`);
    told.setAttribute("role", "status");
    label.append(input);
    line.append(label, ` (words, and comparisons like ${table.dataset.filter}) `, told);
    region.before(line);
    told.textContent = filter(table, rows, state);
    input.addEventListener("input", () => {
      state.words = input.value;
      told.textContent = filter(table, rows, state);
    });
  };

  const all = () => document.querySelectorAll("table.sortable").forEach(prepare);
  document.addEventListener("replaced", all);
  all();
})();
