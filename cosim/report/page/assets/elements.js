"use strict";
/* Small helpers that build parts of the page; text is always set as text. */

function make(tag, text = "", attributes = {}) {
  const element = document.createElement(tag);
  if (text !== "") element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/* A text in which no date, number or unit is torn apart at the end of a line. */
const WHOLE = /\d{4}-\d\d-\d\d(?: \d\d:\d\d)?(?: UTC)?|\d\d:\d\d UTC|-?\d[\d.]*(?:[ \u2009]\d{3})*(?: (?:kVAh|kVA|kWh|kW|EUR|pu|min|units?|days?|h|%))?(?![\w.])/g;

function setText(element, text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(WHOLE)) {
    if (!/[ \u2009-]/.test(match[0])) continue;
    parts.push(text.slice(end, match.index), make("span", match[0], { class: "together" }));
    end = match.index + match[0].length;
  }
  element.replaceChildren(...parts, text.slice(end));
}

/* Tells which tables go on beyond the edge of the screen, so that the page can say so. */
const wideTables = new ResizeObserver((entries) => {
  for (const { target } of entries) target.classList.toggle("more", target.scrollWidth > target.clientWidth + 1);
});

/* What the templates wrote. */
function dressPage() {
  for (const each of document.querySelectorAll(".answer, .note, h1")) if (!each.childElementCount) setText(each, each.textContent);
  for (const each of document.querySelectorAll(".wide")) wideTables.observe(each);
}

function show(id) {
  document.getElementById(id).hidden = false;
}

/* A table of rows; a cell is a text, or an element. */
function fillTable(table, columns, rows, numbers = []) {
  const head = make("thead"), line = make("tr"), body = make("tbody");
  for (const column of columns) line.append(make("th", column, { scope: "col" }));
  head.append(line);
  for (const row of rows) {
    const tr = make("tr");
    row.forEach((cell, place) => {
      const td = make("td", "", numbers.includes(place) ? { class: "number" } : {});
      td.append(cell);
      tr.append(td);
    });
    body.append(tr);
  }
  table.replaceChildren(head, body);
}

/* A figure with its title, its sentence, a place to draw in, and the table behind it, made when it is opened. */
function figureBox(parent, title, about, rowsOf) {
  const box = make("figure"), caption = make("figcaption"), plot = make("div", "", { class: "plot" });
  const said = make("span");
  setText(said, about || "");
  caption.append(make("strong", title), said);
  box.append(caption, plot);
  if (rowsOf) {
    const details = make("details"), place = make("div", "", { class: "wide tall", tabindex: "0", role: "region", "aria-label": title });
    details.append(make("summary", "Table"));
    const note = make("p", "", { class: "note" });
    note.hidden = true;
    details.append(note, place);
    const fill = () => {
      if (!details.open) return;
      const { columns, rows, note: said } = rowsOf(), table = make("table");
      fillTable(table, columns, rows, columns.map((_, n) => n).slice(1));
      place.replaceChildren(table);
      note.textContent = said || "";
      note.hidden = !said;
    };
    details.addEventListener("toggle", fill);
    document.addEventListener("zoomed", fill);
    box.append(details);
  }
  parent.append(box);
  return plot;
}

/* Draws what is near the window, and the rest when it is scrolled to or printed. */
const waiting = new Map();
const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) drawNow(entry.target);
}, { rootMargin: "400px" });

function whenNear(target, job) {
  waiting.set(target, job);
  observer.observe(target);
}

function drawNow(target) {
  const job = waiting.get(target);
  waiting.delete(target);
  observer.unobserve(target);
  if (job) job();
}

addEventListener("beforeprint", () => [...waiting.keys()].forEach(drawNow));

/* The links at the top: every part that is there. */
function fillContents() {
  const list = document.getElementById("contents");
  for (const section of document.querySelectorAll("main > section")) {
    if (section.hidden) continue;
    const link = make("a", section.querySelector("h2").textContent, { href: "#" + section.id }), item = make("li");
    item.append(link);
    list.append(item);
  }
}
