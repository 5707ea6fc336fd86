"use strict";
/* One bus: its voltage, its households with their devices, and the lines that end there, over time. */

const panel = { bus: null, branch: -1, sources: [], drawn: false };

function setUpBus() {
  const choice = document.getElementById("choice");
  const { branches } = feeder, group = make("optgroup", "", { label: "Transformers" });
  branches.id.forEach((id, n) => { if (branches.kind[n] !== "line") group.append(make("option", elementName(branches.kind[n], id), { value: `${branches.kind[n]} ${id}` })); });
  choice.append(group);
  feeder.buses.id.forEach((id, n) => {
    const homes = feeder.buses.households[n];
    choice.append(make("option", `${feeder.buses.name[n] || id}${homes ? ` (${homes} household${homes > 1 ? "s" : ""})` : ""}`, { value: String(id) }));
  });
  choice.addEventListener("change", () => {
    const [kind, id] = choice.value.includes(" ") ? choice.value.split(" ") : ["bus", choice.value];
    if (id) openElement(kind, Number(id));
  });
  moment.listeners.push(() => panel.bus === null || fillBusNow());
}

/* Chosen by hand: what is chosen moves into view. */
function openElement(kind, id) {
  selectElement(kind, id);
  document.getElementById("bus").scrollIntoView();
  document.getElementById("bus-title").focus({ preventScroll: true });
}

/* A bus, or the farther end of a line or transformer. */
function selectElement(kind, id) {
  const branch = kind === "bus" ? -1 : branchPlace(kind, id);
  const bus = kind === "bus" ? id : feeder.branches.to[branch];
  if (bus === undefined || !feeder.placeOf.has(bus)) return;
  feeder.mark(kind, id);
  panel.bus = bus;
  panel.branch = branch;
  document.getElementById("choice").value = branch >= 0 && kind !== "line" ? `${kind} ${id}` : String(bus);
  const title = elementName(kind, id), at = branch < 0 ? "" : `, and ${elementName("bus", bus)} at its end`;
  document.getElementById("bus-title").textContent = title[0].toUpperCase() + title.slice(1) + at;
  show("bus");
  for (const entry of busPlots()) entry.update(bus);
  fillBusNow();
}

function branchesAt(bus) {
  return feeder.branches.id.map((_, n) => n).filter((n) => feeder.branches.from[n] === bus || feeder.branches.to[n] === bus);
}

function homesAt(bus) {
  return page.households ? page.households.who.bus.flatMap((each, n) => (each === bus ? [n] : [])) : [];
}

function slice(values, place, n) {
  return Array.from(values.subarray(place * n, (place + 1) * n));
}

/* Figures of several curves whose data change with the bus; they are made when the first bus is chosen. */
function busPlots() {
  if (panel.drawn) return panel.sources;
  panel.drawn = true;
  const times = Array.from(feeder.seconds, (second) => page.start_ms + 1000 * second), parent = document.getElementById("bus-plots");
  panel.sources.push(curvesPlot(parent, "Voltage", "pu", (bus) => {
    const n = feeder.placeOf.get(bus), flat = (value, name) => ({ name, x: [times[0], times[times.length - 1]], y: [value, value], shade: "u3" });
    const limits = [[feeder.buses.low[n], "lower limit"], [feeder.buses.high[n], "upper limit"]].filter(([each]) => each !== null);
    return [{ name: elementName("bus", bus), x: times, y: slice(feeder.buses.values, n, feeder.n) }, ...limits.map(([value, name]) => flat(value, name))];
  }));
  panel.sources.push(curvesPlot(parent, "Lines and transformers that end here", "% of the limit", (bus) => branchesAt(bus).map((n) => ({
    name: elementName(feeder.branches.kind[n], feeder.branches.id[n]), x: times,
    y: slice(feeder.branches.values, n, feeder.n).map((percent) => 100 * percent / (feeder.branches.limit[n] || 100)),
  }))));
  for (const each of page.households ? page.households.series : []) {
    each.seconds = unpackTimes(each.x);
    each.values = unpack(each.y);
    const x = Array.from(each.seconds, (second) => page.start_ms + 1000 * second);
    panel.sources.push(curvesPlot(parent, `${each.table}: ${each.name}`, each.unit, (bus) => homesAt(bus).flatMap((home) => {
      const n = each.owners.indexOf(home);
      return n < 0 ? [] : [{ name: page.households.who.name[home], x, y: slice(each.values, n, x.length) }];
    })));
  }
  return panel.sources;
}

function curvesPlot(parent, title, unit, curvesOf) {
  const source = new Bokeh.ColumnDataSource({ data: { xs: [], ys: [], name: [], colour: [], dash: [] } });
  const target = figureBox(parent, title, ""), box = target.parentElement, legend = make("ul", "", { class: "legend" });
  target.after(legend);
  const plot = newPlot({ x_range: timeRange(), x_axis_type: "datetime", y_axis_label: unit, height: 180 });
  const curves = plot.multi_line({ xs: { field: "xs" }, ys: { field: "ys" }, source, line_color: { field: "colour" }, line_dash: { field: "dash" }, line_width: 1.6 });
  const now = addSpan(plot, { location: page.start_ms + 1000 * moment.second, dimension: "height" }, "text");
  moment.listeners.push((second) => { now.location = page.start_ms + 1000 * second; });
  plot.add_tools(new Bokeh.HoverTool({ renderers: [curves], tooltips: [["", "@name"], ["time (UTC)", "$x{%Y-%m-%d %H:%M}"], [unit, "$y{0,0.000}"]], formatters: { "$x": "datetime" } }));
  plot.on_event("tap", (event) => goTo((event.x - page.start_ms) / 1000));
  let shown = [];
  const update = (bus) => {
    if (bus !== undefined) shown = curvesOf(bus);
    box.hidden = !shown.length;
    source.data = { xs: shown.map((each) => each.x), ys: shown.map((each) => each.y), name: shown.map((each) => each.name),
      colour: shown.map(shadeOf), dash: shown.map((each, n) => DASHES[dashOf(each, n)]) };
    fillCurves(legend, shown);
  };
  document.addEventListener("recolour", () => update());
  place(plot, target, `${title} of the bus that is chosen, over time; its values at the moment are in the table above`);
  return { update };
}

/* As many curves as end at a bus: each has a colour and, where these are used up, a dash of its own. */
const DASHES = { solid: [], dashed: [6, 3], dotted: [2, 2] };
const shadeOf = (each, n) => colour(each.shade || "s" + (n % SHADES));
const dashOf = (each, n) => (each.shade ? "dotted" : Object.keys(DASHES)[Math.floor(n / SHADES) % 3]);

function fillCurves(legend, shown) {
  const items = shown.map((each, n) => {
    const item = make("li"), key = make("span", "", { "aria-hidden": "true" });
    key.style.borderTopColor = shadeOf(each, n);
    key.style.borderTopStyle = dashOf(each, n);
    item.append(key, each.name);
    return item;
  });
  legend.replaceChildren(...items);
}

function fillBusNow() {
  const bus = panel.bus, n = feeder.placeOf.get(bus), row = nearest(feeder.seconds, moment.second), rows = [];
  const vm = valueAt(feeder.buses, n, row);
  const percents = (each) => `${numberText(valueAt(feeder.branches, each, row))} %`, loading = (each) => [elementName(feeder.branches.kind[each], feeder.branches.id[each]), percents(each), `limit ${limitOf(each)}`];
  if (panel.branch >= 0) rows.push(loading(panel.branch));
  rows.push([`${elementName("bus", bus)}, voltage`, `${vm.toFixed(4)} pu`, `limits ${numberText(feeder.buses.low[n])} to ${numberText(feeder.buses.high[n])} pu`]);
  for (const each of branchesAt(bus)) if (each !== panel.branch) rows.push(loading(each));
  for (const home of homesAt(bus)) {
    const who = page.households.who, parts = page.households.series.flatMap((each) => {
      const place = each.owners.indexOf(home), at = lastAtOrBefore(each.seconds, moment.second);
      return place < 0 || at < 0 ? [] : [`${each.name} ${numberText(each.values[place * each.seconds.length + at], 3)} ${each.unit}`];
    });
    rows.push([`household ${who.name[home]} (${[who.group[home], who.community[home]].filter((each) => each).join(", ")})`, parts.join("\n"), ""]);
  }
  fillTable(document.getElementById("bus-now"), ["element", `from ${dateText(feeder.seconds[row])} on`, "limits and rating"], rows);
}
