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
}

function unpackChart(chart) {
  for (const each of chart.series) {
    each.seconds = unpackTimes(each.x);
    each.values = unpack(each.y);
    if (each.low) each.lows = unpack(each.low);
  }
}

/* Points of a series, ms since 1970; a value that holds from its instant on reaches to the end of its stretch. */
function points(each) {
  const x = Array.from(each.seconds, (second) => page.start_ms + 1000 * second), y = Array.from(each.values);
  const n = x.length;
  if (each.steps && n > 1) {
    x.push(2 * x[n - 1] - x[n - 2]);
    y.push(y[n - 1]);
  }
  return { x, y };
}

function drawSeries(plot, each, place, items) {
  const shade = "s" + (place % 6);
  let renderer;
  if (each.low) {
    const { x, y } = points(each), source = new Bokeh.ColumnDataSource({ data: { x, y1: Array.from(each.lows), y2: y } });
    renderer = draw(plot, "varea", { x: { field: "x" }, y1: { field: "y1" }, y2: { field: "y2" }, source, fill_alpha: 0.25 }, { fill_color: shade });
  } else {
    const source = new Bokeh.ColumnDataSource({ data: points(each) });
    const options = { x: { field: "x" }, y: { field: "y" }, source, line_width: each.dash ? 1.4 : 1.8, line_dash: each.dash ? [6, 3] : [] };
    renderer = draw(plot, each.steps ? "step" : "line", each.steps ? { ...options, mode: "after" } : options, { line_color: shade });
  }
  renderer.name = each.name;
  items.push([each.name, [renderer]]);
}

function hover(unit, dated) {
  const x = dated ? ["time (UTC)", "@x{%Y-%m-%d %H:%M}"] : ["at", "@x"];
  return new Bokeh.HoverTool({ tooltips: [["series", "$name"], x, [unit, "@y{0,0.0000}"]], formatters: { "@x": "datetime" }, line_policy: "nearest" });
}

function timePlot(chart) {
  const plot = newPlot({ x_range: timeRange(), x_axis_type: "datetime", y_axis_label: chart.unit }), items = [];
  chart.series.forEach((each, n) => drawSeries(plot, each, n, items));
  for (const line of chart.lines || []) addSpan(plot, { location: line.value, dimension: "width", line_dash: [2, 2] }, "u3");
  for (const each of page.faults.slice(0, 300)) addBand(plot, page.start_ms + 1000 * each.start, page.start_ms + 1000 * each.end);
  const now = addSpan(plot, { location: page.start_ms + 1000 * moment.second, dimension: "height" }, "text");
  moment.listeners.push((second) => { now.location = page.start_ms + 1000 * second; });
  const box = new Bokeh.BoxZoomTool({ dimensions: "width" });
  plot.add_tools(hover(chart.unit, true), box, new Bokeh.ResetTool(), new Bokeh.WheelZoomTool({ dimensions: "width", modifiers: { ctrl: true } }));
  plot.toolbar.active_drag = box;
  plot.on_event("tap", (event) => goTo((event.x - page.start_ms) / 1000));
  plot.on_event("doubletap", () => zoomTo(page.start_ms, page.end_ms));
  addLegend(plot, items);
  return plot;
}

function seriesRows(chart) {
  return () => {
    const first = chart.series.reduce((a, b) => (b.seconds.length > a.seconds.length ? b : a));
    const every = Math.ceil(first.seconds.length / 500), rows = [];
    for (let n = 0; n < first.seconds.length; n += every) {
      const second = first.seconds[n];
      rows.push([dateText(second), ...chart.series.map((each) => numberText(each.values[Math.max(0, lastAtOrBefore(each.seconds, second))]))]);
    }
    return { columns: ["time", ...chart.series.map((each) => `${each.name} [${chart.unit}]`)], rows };
  };
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
    const renderer = draw(plot, "line", { x: { field: "x" }, y: { field: "y" }, source, line_width: 1.8, line_dash: n ? [6, 3] : [] }, { line_color: "s" + (n % 6) });
    renderer.name = each.name;
    items.push([each.name, [renderer]]);
  });
  if (log) {
    const axis = plot.below.find((each) => each instanceof Bokeh.Axis), ticks = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    axis.ticker = new Bokeh.FixedTicker({ ticks });
    axis.major_label_overrides = new Map(ticks.map((tick) => [tick, numberText(10 ** tick)]));
  }
  for (const line of chart.lines || []) addSpan(plot, { location: line.value, dimension: "width", line_dash: [2, 2] }, "u3");
  plot.add_tools(hover(chart.unit, false));
  addLegend(plot, items);
  return plot;
}

function curveRows(chart) {
  return () => {
    const rows = [];
    for (const each of chart.series)
      for (let n = 0; n < each.xs.length; n += Math.ceil(each.xs.length / 50))
        rows.push([each.name, numberText(chart.kind === "latency" ? 10 ** each.xs[n] : each.xs[n]), numberText(each.values[n])]);
    return { columns: ["curve", chart.kind === "latency" ? "ms" : "% of the time", chart.unit], rows };
  };
}
