"use strict";
/* Figures over time, which share one axis of time and the moment; and curves over something else. */

const DAY_MS = 86400000;

/* Every figure has a range of its own, for each is a document to the library; these follow each other. */
const timeline = { start: page.start_ms, end: page.end_ms, ranges: [], isFollowing: false };

function timeRange() {
  const range = new Bokeh.Range1d({ start: timeline.start, end: timeline.end });
  timeline.ranges.push(range);
  const follow = () => timeline.isFollowing || zoomTo(range.start, range.end);
  range.properties.start.change.connect(follow);
  range.properties.end.change.connect(follow);
  return range;
}

function zoomTo(start, end) {
  timeline.isFollowing = true;
  timeline.start = Math.max(page.start_ms, start);
  timeline.end = Math.min(page.end_ms, end);
  for (const range of timeline.ranges) range.setv({ start: timeline.start, end: timeline.end });
  timeline.isFollowing = false;
  clearTimeout(timeline.told);
  timeline.told = setTimeout(() => document.dispatchEvent(new Event("zoomed")), 150);
}

function unpackChart(chart) {
  for (const each of chart.series) {
    each.seconds = unpackTimes(each.x);
    each.values = unpack(each.y);
    if (each.low) each.lows = unpack(each.low);
    if (each.then) each.thens = unpack(each.then);
    each.thinned = each.seconds.length < each.n_all;
  }
}

/* Points of a series, ms since 1970; a value that holds from its instant on is a level line to the next. */
function points(each) {
  const x = Array.from(each.seconds, (second) => page.start_ms + 1000 * second), y = Array.from(each.values), n = x.length;
  if (!each.steps || n < 2) return { x, y };
  const ends = [...x.slice(1), 2 * x[n - 1] - x[n - 2]];
  return { x: x.flatMap((start, i) => [start, ends[i]]), y: y.flatMap((value) => [value, value]) };
}

function drawSeries(plot, each, place, items) {
  const shade = "s" + (place % SHADES);
  let renderer;
  if (each.low) {
    const { x, y } = points(each), source = new Bokeh.ColumnDataSource({ data: { x, y1: Array.from(each.lows), y2: y } });
    renderer = draw(plot, "varea", { x: { field: "x" }, y1: { field: "y1" }, y2: { field: "y2" }, source, fill_alpha: 0.25 }, { fill_color: shade });
  } else {
    const source = new Bokeh.ColumnDataSource({ data: points(each) });
    const options = { x: { field: "x" }, y: { field: "y" }, source, line_width: each.dash ? 1.4 : 1.8, line_dash: each.dash ? [6, 3] : [] };
    renderer = draw(plot, "line", options, { line_color: shade });
  }
  renderer.name = each.name;
  items.push([each.name, [renderer]]);
}

/* What is under the mouse. */
function hover(unit) {
  return new Bokeh.HoverTool({ tooltips: [["", "$name"], ["at", "@x"], [unit, "@y{0,0.0000}"]], line_policy: "nearest" });
}

/* One box for all series: it hangs on that with the most points, which carries the values of the others. */
function hoverAll(chart, items) {
  const lines = chart.series.map((each, n) => n).filter((n) => !chart.series[n].low);
  const { data_source: source, glyph } = items[lines.reduce((a, b) => (chart.series[b].seconds.length > chart.series[a].seconds.length ? b : a))][1][0];
  for (const n of lines) {
    const each = chart.series[n], at = source.data.x.map((ms, i, all) => lastAtOrBefore(each.seconds, ((all[i + 1] === ms ? all[i - 1] : ms) - page.start_ms) / 1000));
    source.data[`v${n}`] = at.map((row) => (row < 0 ? "–" : numberText(each.values[row])));
  }
  const renderers = [items.flatMap(([, [each]]) => (each.glyph === glyph ? [each] : []))[0]];
  const tooltips = [["time (UTC)", "@x{%Y-%m-%d %H:%M}"], ...lines.map((n) => [`${chart.series[n].name} [${chart.unit}]`, `@v${n}`])];
  return new Bokeh.HoverTool({ renderers, tooltips, formatters: { "@x": "datetime" }, mode: "vline", line_policy: "prev" });
}

function timePlot(chart) {
  const plot = newPlot({ x_range: timeRange(), x_axis_type: "datetime", y_axis_label: chart.unit }), items = [];
  chart.series.forEach((each, n) => drawSeries(plot, each, n, items));
  for (const line of chart.lines || []) addSpan(plot, { location: line.value, dimension: "width", line_dash: [2, 2] }, "u3");
  for (const each of page.faults.slice(0, 300)) addBand(plot, page.start_ms + 1000 * each.start, page.start_ms + 1000 * each.end);
  const now = addSpan(plot, { location: page.start_ms + 1000 * moment.second, dimension: "height" }, "text");
  moment.listeners.push((second) => { now.location = page.start_ms + 1000 * second; });
  const box = new Bokeh.BoxZoomTool({ dimensions: "width" });
  plot.add_tools(hoverAll(chart, items), box, new Bokeh.ResetTool(), new Bokeh.WheelZoomTool({ dimensions: "width", modifiers: { ctrl: true } }));
  plot.toolbar.active_drag = box;
  plot.on_event("tap", (event) => goTo((event.x - page.start_ms) / 1000));
  plot.on_event("doubletap", () => zoomTo(page.start_ms, page.end_ms));
  addLegend(plot, items);
  return plot;
}

/* Every row of the stretch that the figures show; of what is thinned, what is there. */
function seriesRows(chart) {
  return () => {
    const inside = (second) => timeline.start <= page.start_ms + 1000 * second && page.start_ms + 1000 * second < timeline.end;
    const instants = [...new Set(chart.series.flatMap((each) => Array.from(each.seconds.filter(inside))))].sort((a, b) => a - b);
    const shown = instants.slice(0, MOST_ROWS), cell = (each, second) => {
      const at = lastAtOrBefore(each.seconds, second);
      return at < 0 || (each.thinned && each.seconds[at] !== second) ? "" : numberText(each.values[at]);
    };
    return { columns: ["time", ...chart.series.map((each) => `${each.name} [${chart.unit}]`)], note: rowsNote(chart, shown.length, instants.length),
      rows: shown.map((second) => [dateText(second), ...chart.series.map((each) => cell(each, second))]) };
  };
}

const MOST_ROWS = 2000;

function rowsNote(chart, shown, n) {
  const all = Math.max(...chart.series.map((each) => each.n_all)), where = chart.tables ? ` All values are in the run's tables (${chart.tables}).` : "";
  const said = [];
  if (timeline.start > page.start_ms || timeline.end < page.end_ms) said.push("The stretch that the figures show.");
  if (shown < n) said.push(`The first ${shown} of ${n} rows; zoom in for the others.`);
  if (chart.series.some((each) => each.thinned)) said.push(`The page keeps only the extremes of each stretch of ${all} values; an empty cell is a value that it left out.`);
  return said.length ? said.join(" ") + where : "";
}

/* Whether a value lies among those that are drawn, so that its line is seen. */
function isInView(chart, value) {
  let low = Infinity, high = -Infinity;
  for (const each of chart.series) for (const one of each.values) { if (one < low) low = one; if (one > high) high = one; }
  const margin = 0.05 * (high - low);
  return low - margin <= value && value <= high + margin;
}

function about(chart) {
  const limits = (chart.lines || []).map((line) => ` ${isInView(chart, line.value) ? "Dotted" : "Not in the picture"}: ${line.name}, ${numberText(line.value)} ${chart.unit}.`).join("");
  const thinned = chart.series.some((each) => each.thinned) ? " Thinned to the extremes of each stretch; the tables have every value." : "";
  return (chart.about || "") + limits + thinned;
}

function setUpZoom() {
  const middle = () => page.start_ms + 1000 * moment.second, width = () => timeline.end - timeline.start;
  const around = (span) => zoomTo(middle() - span / 2, middle() + span / 2);
  const actions = {
    all: () => zoomTo(page.start_ms, page.end_ms), day: () => around(DAY_MS),
    in: () => around(width() / 2), out: () => around(width() * 2),
  };
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", actions[button.dataset.zoom]);
}

/* A curve over a share of the time, or over a latency. */
function curvePlot(chart) {
  const log = chart.kind === "latency";
  const plot = newPlot({ y_axis_label: chart.unit, x_axis_label: log ? "latency [ms]" : "share of the time [%]" }), items = [];
  chart.series.forEach((each, n) => {
    const source = new Bokeh.ColumnDataSource({ data: { x: Array.from(each.xs), y: Array.from(each.values) } });
    const renderer = draw(plot, "line", { x: { field: "x" }, y: { field: "y" }, source, line_width: 1.8, line_dash: n ? [6, 3] : [] }, { line_color: "s" + (n % SHADES) });
    renderer.name = each.name;
    items.push([each.name, [renderer]]);
  });
  if (log) {
    const axis = plot.below.find((each) => each instanceof Bokeh.Axis), ticks = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    axis.ticker = new Bokeh.FixedTicker({ ticks });
    axis.major_label_overrides = new Map(ticks.map((tick) => [tick, numberText(10 ** tick)]));
  }
  for (const line of chart.lines || []) addSpan(plot, { location: line.value, dimension: "width", line_dash: [2, 2] }, "u3");
  plot.add_tools(hover(chart.unit));
  addLegend(plot, items);
  return plot;
}

function curveRows(chart) {
  return () => {
    const rows = [], all = chart.series.some((each) => each.xs.length > 50);
    for (const each of chart.series)
      for (let n = 0; n < each.xs.length; n += Math.ceil(each.xs.length / 50))
        rows.push([each.name, numberText(chart.kind === "latency" ? 10 ** each.xs[n] : each.xs[n]), numberText(each.values[n])]);
    return { columns: ["curve", chart.kind === "latency" ? "ms" : "% of the time", chart.unit], rows, note: all ? "About 50 points of each curve." : "" };
  };
}
