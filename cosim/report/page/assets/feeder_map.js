"use strict";
/* The feeder as a map: every element coloured by how near it is to its own limits at the moment. */

const CLASSES = [["u0", "below 50 %"], ["u1", "50 to 80 %"], ["u2", "80 to 100 %"], ["u3", "limit exceeded"], ["u4", "120 % or more"], ["unknown", "open, not supplied or not solved"]];
const KIND_WORDS = { bus: "bus", line: "line", trafo: "transformer", trafo3w: "three-winding transformer" };
const feeder = page.map;
const isClose = 1e-4; // what packing may take away

if (feeder) {
  feeder.seconds = unpackTimes(feeder.x);
  feeder.buses.values = unpack(feeder.buses.vm_pu);
  feeder.branches.values = unpack(feeder.branches.percent);
  feeder.placeOf = new Map(feeder.buses.id.map((id, n) => [id, n]));
}

/* Values lie element after element: one row of all intervals for each. */
function valueAt(elements, place, row) {
  return elements.values[place * feeder.n + row];
}

/* How much of its band a voltage uses: 0 in the middle, 1 at a limit. */
function bandUse(place, vm) {
  const low = feeder.buses.low[place], high = feeder.buses.high[place];
  if (low === null || high === null || !feeder.buses.supplied[place]) return NaN;
  return Math.abs(vm - (low + high) / 2) / ((high - low) / 2);
}

function loadUse(place, percent) {
  return feeder.branches.closed[place] ? percent / (feeder.branches.limit[place] || 100) : NaN;
}

function classOf(use) {
  if (!Number.isFinite(use)) return 5;
  if (use > 1 + isClose) return use >= 1.2 ? 4 : 3;
  return use < 0.5 ? 0 : use < 0.8 ? 1 : 2;
}

function elementName(kind, id) {
  if (!feeder) return `${KIND_WORDS[kind]} ${id}`;
  const place = kind === "bus" ? feeder.placeOf.get(id) : branchPlace(kind, id);
  const name = place === undefined || place < 0 ? "" : (kind === "bus" ? feeder.buses : feeder.branches).name[place];
  return `${KIND_WORDS[kind]} ${name || id}`;
}

function branchPlace(kind, id) {
  return feeder.branches.id.findIndex((each, n) => each === id && feeder.branches.kind[n] === kind);
}

/* The limit of a line or transformer, and what it is a share of. */
function limitOf(place) {
  const kva = feeder.branches.kva[place];
  return `${numberText(feeder.branches.limit[place])} %${kva === null ? "" : ` of ${numberText(kva)} kVA, by current`}`;
}

function mapSources() {
  const { buses, branches } = feeder, at = branches.from.map((bus, n) => [feeder.placeOf.get(bus), feeder.placeOf.get(branches.to[n])]);
  const ends = (axis, side) => at.map((pair) => buses[axis][pair[side]] * (axis === "x" ? feeder.stretch : 1));
  const blank = (n, value) => new Array(n).fill(value), trafos = branches.id.map((_, n) => n).filter((n) => branches.kind[n] !== "line");
  return {
    branch: new Bokeh.ColumnDataSource({ data: {
      x0: ends("x", 0), y0: ends("y", 0), x1: ends("x", 1), y1: ends("y", 1), colour: blank(at.length, "#888888"), width: blank(at.length, 2),
      dash: branches.closed.map((closed) => (closed ? "solid" : "dashed")),
      label: branches.id.map((id, n) => elementName(branches.kind[n], id)), value: blank(at.length, ""), limit: branches.id.map((_, n) => limitOf(n)),
    } }),
    bus: new Bokeh.ColumnDataSource({ data: {
      x: buses.x.map((x) => x * feeder.stretch), y: buses.y, colour: blank(buses.id.length, "#888888"), size: blank(buses.id.length, 9),
      label: buses.id.map((id) => elementName("bus", id)), value: blank(buses.id.length, ""),
      limit: buses.low.map((low, n) => `${numberText(low)} to ${numberText(buses.high[n])} pu`), households: buses.households,
    } }),
    trafo: new Bokeh.ColumnDataSource({ data: {
      x: trafos.map((n) => ends("x", 1)[n]), y: trafos.map((n) => ends("y", 1)[n]), place: trafos, colour: blank(trafos.length, "#888888"),
      label: trafos.map((n) => elementName(branches.kind[n], branches.id[n])), value: blank(trafos.length, ""), limit: trafos.map(limitOf),
    } }),
  };
}

function drawMap(onSelect) {
  const sources = mapSources(), palette = () => CLASSES.map(([name]) => colour(name));
  const plot = newPlot({ height: 460, match_aspect: !feeder.tree, x_axis_type: null, y_axis_type: null });
  const lines = plot.segment({ x0: { field: "x0" }, y0: { field: "y0" }, x1: { field: "x1" }, y1: { field: "y1" }, source: sources.branch,
    line_color: { field: "colour" }, line_width: { field: "width" }, line_dash: { field: "dash" }, line_cap: "round" });
  const squares = draw(plot, "scatter", { x: { field: "x" }, y: { field: "y" }, source: sources.trafo, size: 22, marker: "square",
    fill_color: { field: "colour" }, line_width: 2 }, { line_color: "text" });
  const dots = draw(plot, "scatter", { x: { field: "x" }, y: { field: "y" }, source: sources.bus, size: { field: "size" }, marker: "circle",
    fill_color: { field: "colour" }, line_width: 1 }, { line_color: "text" });
  const chosen = new Bokeh.ColumnDataSource({ data: { x: [], y: [] } });
  draw(plot, "scatter", { x: { field: "x" }, y: { field: "y" }, source: chosen, size: 26, marker: "circle", fill_alpha: 0, line_width: 3 }, { line_color: "accent" });
  lines.nonselection_glyph = null;
  const tip = (renderers, rows) => new Bokeh.HoverTool({ renderers, tooltips: rows, limit: 1 });
  const pan = new Bokeh.PanTool();
  plot.add_tools(tip([dots], [["", "@label"], ["voltage", "@value"], ["limits", "@limit"], ["households", "@households"]]),
    tip([lines], [["", "@label"], ["loading", "@value"], ["limit", "@limit"]]), tip([squares], [["", "@label"], ["loading", "@value"], ["limit", "@limit"]]),
    new Bokeh.TapTool({ renderers: [squares, dots, lines] }), pan, new Bokeh.WheelZoomTool({ modifiers: { ctrl: true } }), new Bokeh.ResetTool());
  plot.toolbar.active_drag = pan;
  connectSelection(sources, onSelect);
  moment.listeners.push((second) => recolour(sources, nearest(feeder.seconds, second), palette()));
  document.addEventListener("recolour", () => recolour(sources, nearest(feeder.seconds, moment.second), palette()));
  feeder.mark = (kind, id) => {
    const n = kind === "bus" ? feeder.placeOf.get(id) : branchPlace(kind, id), { bus, branch } = sources;
    const [x, y] = kind === "bus" ? [bus.data.x[n], bus.data.y[n]] : [(branch.data.x0[n] + branch.data.x1[n]) / 2, (branch.data.y0[n] + branch.data.y1[n]) / 2];
    chosen.data = x === undefined ? { x: [], y: [] } : { x: [x], y: [y] };
  };
  fillLegend();
  return place(plot, document.getElementById("map"), "Map of the feeder; the same values are in the table of the bus that is chosen and in the figures over time");
}

function connectSelection(sources, onSelect) {
  const { buses, branches } = feeder;
  // A transformer covers the bus at its end: who clicks there means the transformer.
  sources.trafo.selected.properties.indices.change.connect(() => {
    const [n] = sources.trafo.selected.indices, place = sources.trafo.data.place[n];
    if (n !== undefined) onSelect(branches.kind[place], branches.id[place]);
  });
  sources.bus.selected.properties.indices.change.connect(() => {
    const [n] = sources.bus.selected.indices;
    if (n !== undefined && !sources.trafo.selected.indices.length) onSelect("bus", buses.id[n]);
  });
  sources.branch.selected.properties.indices.change.connect(() => {
    const [n] = sources.branch.selected.indices;
    if (n !== undefined && !sources.bus.selected.indices.length && !sources.trafo.selected.indices.length) onSelect(branches.kind[n], branches.id[n]);
  });
}

function recolour(sources, row, palette) {
  const { buses, branches } = feeder, bus = sources.bus.data, branch = sources.branch.data, trafo = sources.trafo.data;
  for (let n = 0; n < buses.id.length; n++) {
    const vm = valueAt(buses, n, row), found = classOf(bandUse(n, vm));
    bus.colour[n] = palette[found];
    bus.size[n] = [8, 9, 11, 14, 16, 6][found];
    bus.value[n] = Number.isFinite(vm) ? `${vm.toFixed(4)} pu` : "not solved";
  }
  let square = 0;
  for (let n = 0; n < branches.id.length; n++) {
    const percent = valueAt(branches, n, row), found = classOf(loadUse(n, percent));
    branch.colour[n] = palette[found];
    branch.width[n] = [2, 3, 5, 8, 9, 1.5][found];
    branch.value[n] = Number.isFinite(percent) ? `${numberText(percent)} %` : "not solved";
    if (branches.kind[n] === "line") continue;
    trafo.colour[square] = palette[found];
    trafo.value[square++] = branch.value[n];
  }
  for (const source of Object.values(sources)) source.change.emit();
  feeder.shown = { row, colours: { bus: bus.colour, branch: branch.colour } };
}

function fillLegend() {
  const list = document.getElementById("legend");
  for (const [name, text] of CLASSES) {
    const item = make("li"), box = make("span");
    box.style.background = `var(--${name})`;
    item.append(box, text);
    list.append(item);
  }
  list.append(make("li", "square: transformer"));
}
