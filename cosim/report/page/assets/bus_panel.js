"use strict";
/* One bus: its voltage, its households with their devices, and the lines that end there, over time. */

const panel = { bus: null, sources: [], drawn: false };

function setUpBus() {
  const choice = document.getElementById("choice");
  feeder.buses.id.forEach((id, n) => {
    const homes = feeder.buses.households[n];
    choice.append(make("option", `${feeder.buses.name[n] || id}${homes ? ` (${homes} household${homes > 1 ? "s" : ""})` : ""}`, { value: String(id) }));
  });
  choice.addEventListener("change", () => selectElement("bus", Number(choice.value)));
  moment.listeners.push(() => panel.bus === null || fillBusNow());
}

/* A bus, or the farther end of a line or transformer. */
function selectElement(kind, id) {
  const branch = kind === "bus" ? -1 : branchPlace(kind, id);
  const bus = kind === "bus" ? id : feeder.branches.to[branch];
  if (bus === undefined || !feeder.placeOf.has(bus)) return;
  feeder.mark(kind, id);
  panel.bus = bus;
  document.getElementById("choice").value = String(bus);
  document.getElementById("bus-title").textContent = `Bus ${feeder.buses.name[feeder.placeOf.get(bus)] || bus}`;
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
    const n = feeder.placeOf.get(bus), flat = (value) => ({ name: "limit", x: [times[0], times[times.length - 1]], y: [value, value], shade: "u3" });
    const limits = [feeder.buses.low[n], feeder.buses.high[n]].filter((each) => each !== null);
    return [{ name: elementName("bus", bus), x: times, y: slice(feeder.buses.values, n, feeder.n) }, ...limits.map(flat)];
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
  const source = new Bokeh.ColumnDataSource({ data: { xs: [], ys: [], name: [], colour: [] } });
  const target = figureBox(parent, title, ""), box = target.parentElement;
  const plot = newPlot({ x_range: timeRange(), x_axis_type: "datetime", y_axis_label: unit, height: 180 });
  const curves = plot.multi_line({ xs: { field: "xs" }, ys: { field: "ys" }, source, line_color: { field: "colour" }, line_width: 1.6 });
  const now = addSpan(plot, { location: page.start_ms + 1000 * moment.second, dimension: "height" }, "text");
  moment.listeners.push((second) => { now.location = page.start_ms + 1000 * second; });
  plot.add_tools(new Bokeh.HoverTool({ renderers: [curves], tooltips: [["", "@name"], ["time (UTC)", "$x{%Y-%m-%d %H:%M}"], [unit, "$y{0,0.000}"]], formatters: { "$x": "datetime" } }));
  plot.on_event("tap", (event) => goTo((event.x - page.start_ms) / 1000));
  let shown = [];
  const update = (bus) => {
    if (bus !== undefined) shown = curvesOf(bus);
    box.hidden = !shown.length;
    source.data = { xs: shown.map((each) => each.x), ys: shown.map((each) => each.y), name: shown.map((each) => each.name),
      colour: shown.map((each, n) => colour(each.shade || "s" + (n % 6))) };
  };
  document.addEventListener("recolour", () => update());
  place(plot, target, `${title} of the bus that is chosen, over time; its values at the moment are in the table above`);
  return { update };
}

function fillBusNow() {
  const bus = panel.bus, n = feeder.placeOf.get(bus), row = nearest(feeder.seconds, moment.second), rows = [];
  const vm = valueAt(feeder.buses, n, row);
  rows.push(["voltage", `${vm.toFixed(4)} pu`, `limits ${numberText(feeder.buses.low[n])} to ${numberText(feeder.buses.high[n])} pu`]);
  for (const each of branchesAt(bus))
    rows.push([elementName(feeder.branches.kind[each], feeder.branches.id[each]), `${numberText(valueAt(feeder.branches, each, row))} %`, `limit ${numberText(feeder.branches.limit[each])} %`]);
  for (const home of homesAt(bus)) {
    const who = page.households.who, parts = page.households.series.flatMap((each) => {
      const place = each.owners.indexOf(home), at = lastAtOrBefore(each.seconds, moment.second);
      return place < 0 || at < 0 ? [] : [`${each.name} ${numberText(each.values[place * each.seconds.length + at], 3)} ${each.unit}`];
    });
    rows.push([`household ${who.name[home]} (${who.group[home]})`, who.community[home] || "no community", parts.join(", ")]);
  }
  fillTable(document.getElementById("bus-now"), ["element", `at ${dateText(feeder.seconds[row])}`, ""], rows);
}
