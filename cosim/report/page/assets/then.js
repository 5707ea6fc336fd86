"use strict";
/* What happened at the moment: every figure's values in a table, and the same in a sentence. */

/* A series at the moment: its mean over the interval where it has one, else the value that holds. */
function valueThen(each, second, place) {
  if (each.thens) return each.thens[place];
  const at = lastAtOrBefore(each.seconds, second);
  return at < 0 ? NaN : each.values[at];
}

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
  moment.listeners.push((second, place) => {
    for (const [each, cell] of cells) cell.textContent = numberText(valueThen(each, second, place));
    const isTold = second === page.told; // the answer has the same sentence
    setText(document.getElementById("then"), isTold ? "" : thenText(charts, second, place));
    document.getElementById("told").hidden = !isTold;
    const now = page.faults.filter((each) => each.start <= second && second < each.end);
    failed.textContent = now.length ? now.map((each) => each.title + " (" + each.target + ")").join(", ") : "nothing";
  });
}

const SMALL_KW = 0.05; // what is less is not worth a word

function listed(parts) {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`;
}

/* The same in a sentence, which is the answer's: who drew, who gave, and what the communities did. */
function thenText(charts, second, place) {
  const at = (chart, start) => {
    const each = chart && chart.series.find((one) => one.name.startsWith(start));
    return each ? valueThen(each, second, place) : NaN;
  };
  const [homes, feeder] = ["power", "feeder_power"].map((id) => charts.find((chart) => chart.id === id)), deeds = new Map();
  const said = powersText((start) => at(homes, start), (start) => at(feeder, start));
  for (const chart of charts.filter((each) => each.id.startsWith("resource_"))) {
    const [did, target] = ["what the community did", "target"].map((start) => numberText(at(chart, start), 3));
    const parts = deeds.get(chart.community) || [];
    parts.push(`${chart.resource} ${parts.length ? "" : "was "}${did} ${chart.unit} (target ${target} ${chart.unit})`);
    deeds.set(chart.community, parts);
  }
  for (const [community, parts] of deeds) said.push(`of community ${community}, ${listed(parts)}`);
  return said.length ? `In the ${page.interval} from ${dateText(second)} on, ${said.join("; ")}.` : "";
}

function powersText(homes, feeder) {
  const kw = (value) => `${numberText(Math.abs(value), 3)} kW`, parts = [];
  const load = homes("load"), made = homes("their generation"), took = homes("taken by"), gave = homes("given by"), above = feeder("from the grid above");
  const other = feeder("other loads"), lost = feeder("lost in");
  if (Number.isFinite(load)) parts.push(`households used ${kw(load)}${made > SMALL_KW ? ` and generated ${kw(made)}` : ""}`);
  const acted = [[gave, "gave"], [took, "took"]].filter(([power]) => power > SMALL_KW).sort((one, other) => other[0] - one[0]);
  if (acted.length) parts.push(`their ${page.devices} ${acted.map(([power, verb]) => `${verb} ${kw(power)}`).join(" and ")}`);
  if (Math.abs(other) > SMALL_KW) parts.push(`the feeder's other ${other > 0 ? "loads took" : "generators gave"} ${kw(other)}`);
  const way = above < 0 ? "out of the feeder into the grid above" : "from the grid above into the feeder";
  const flowed = Number.isFinite(above) ? `${kw(above)} flowed ${way}${parts.length ? ": " : ""}${listed(parts)}` : listed(parts);
  const said = parts.length && lost > SMALL_KW ? [flowed, `lines and transformers lost ${kw(lost)}`] : [flowed];
  return said.filter((each) => each);
}
