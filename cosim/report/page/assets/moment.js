"use strict";
/* The moment that the whole page shows, and what moves it: slider, play, buttons, a click in a figure. */

const moment = { second: 0, times: [], listeners: [] };

function setUpMoment(times) {
  moment.times = times;
  const slider = document.getElementById("slider"), play = document.getElementById("play");
  slider.max = times.length - 1;
  slider.addEventListener("input", () => goTo(times[slider.value]));
  let timer = null;
  const stop = () => { clearInterval(timer); timer = null; play.textContent = "Play"; play.setAttribute("aria-pressed", "false"); };
  play.addEventListener("click", () => {
    if (timer) return stop();
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    if (Number(slider.value) >= times.length - 1) goTo(times[0]);
    timer = setInterval(() => Number(slider.value) >= times.length - 1 ? stop() : goTo(times[Number(slider.value) + 1]), 200);
  });
  show("moment");
}

/* The interval that holds a second of the run. */
function goTo(second) {
  const place = Math.max(0, lastAtOrBefore(moment.times, second));
  const slider = document.getElementById("slider");
  moment.second = moment.times[place];
  slider.value = place;
  slider.setAttribute("aria-valuetext", dateText(moment.second));
  document.getElementById("clock").textContent = dateText(moment.second);
  for (const listener of moment.listeners) listener(moment.second, place);
}

/* What every figure over time says at the moment. */
function fillNow(charts) {
  const table = document.getElementById("now"), body = make("tbody"), cells = [];
  for (const chart of charts) {
    const line = make("tr");
    line.append(make("th", chart.title, { class: "group", colspan: "3", scope: "rowgroup" }));
    body.append(line);
    for (const each of chart.series) {
      if (each.low) continue;
      const row = make("tr"), value = make("td", "", { class: "number" });
      row.append(make("th", each.name, { scope: "row" }), value, make("td", chart.unit));
      body.append(row);
      cells.push([each, value]);
    }
  }
  const faults = make("tr"), failed = make("td", "", { colspan: "2" });
  if (page.faults.length) {
    faults.append(make("th", "failed now", { scope: "row" }), failed);
    body.append(faults);
  }
  table.replaceChildren(body);
  moment.listeners.push((second) => {
    for (const [each, cell] of cells) {
      const at = lastAtOrBefore(each.seconds, second);
      cell.textContent = at < 0 ? "–" : numberText(each.values[at]);
    }
    document.getElementById("then").textContent = thenText(charts, second);
    const now = page.faults.filter((each) => each.start <= second && second < each.end);
    failed.textContent = now.length ? now.map((each) => each.name + " (" + each.target + ")").join(", ") : "nothing";
  });
}

const SMALL_KW = 0.05; // what is less is not worth a word

/* The same in a sentence: who drew, who gave, and what the communities did. */
function thenText(charts, second) {
  const chartOf = (id) => charts.find((chart) => chart.id === id);
  const at = (chart, part) => {
    const each = chart && chart.series.find((one) => one.name.startsWith(part)), n = each ? lastAtOrBefore(each.seconds, second) : -1;
    return n < 0 ? NaN : each.values[n];
  };
  const power = chartOf("power"), parts = [], kw = (value) => `${numberText(Math.abs(value), 3)} kW`;
  const load = at(power, "load"), made = at(power, "their generation"), devices = at(power, "their devices"), above = at(power, "from the grid above");
  if (Number.isFinite(load)) parts.push(`households used ${kw(load)}${made > SMALL_KW ? ` and generated ${kw(made)}` : ""}`);
  if (Math.abs(devices) > SMALL_KW) parts.push(`their ${page.devices} ${devices < 0 ? "gave" : "took"} ${kw(devices)}`);
  const way = above < 0 ? "out of the feeder into the grid above" : "from the grid above into the feeder";
  const said = Number.isFinite(above) ? [`${kw(above)} flowed ${way}${parts.length ? ": " : ""}${parts.join(", ")}`] : parts.length ? [parts.join(", ")] : [];
  for (const chart of charts.filter((each) => each.id.startsWith("resource_")))
    said.push(`${chart.title} was ${numberText(at(chart, "what the community did"), 3)} ${chart.unit} (capacity ${numberText(at(chart, "capacity"), 3)} ${chart.unit})`);
  return said.length ? `Then ${said.join("; ")}.` : "";
}

/* Buttons that go where each kind of limit was used most. */
function fillMoments(onSelect) {
  const place = document.getElementById("moments");
  for (const each of page.moments) {
    const where = each.kind ? `: ${elementName(each.kind, each.element)}` : "";
    const button = make("button", `${each.label}${where}, ${dateText(each.second)}`, { type: "button" });
    if (each.left) button.classList.add("left");
    button.addEventListener("click", () => { goTo(each.second); if (each.kind) onSelect(each.kind, each.element); });
    place.append(button);
  }
}
