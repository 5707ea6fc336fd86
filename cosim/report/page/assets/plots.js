"use strict";
/* Figures of the plotting library in the page's colours, light or dark. */

Bokeh.set_log_level("error");
const plots = [];
const SHADES = 8;
const DATES = { minutes: "%H:%M", hourmin: "%H:%M", hours: "%H:%M", days: "%m-%d", months: "%Y-%m", years: "%Y" };

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

/* An empty figure; `restyle` recolours what it draws. */
function newPlot(options) {
  const plot = Bokeh.Plotting.figure({
    sizing_mode: "stretch_width", height: 230, toolbar_location: null, tools: [], min_border_right: 12, ...options,
  });
  if (innerWidth < 700) for (const axis of [...plot.below, ...plot.left])
    if (axis instanceof Bokeh.Axis && axis.axis_label) axis.axis_label = axis.axis_label.replace(" [", "\n["); // it would be cut off
  plot.renderers_to_colour = [];
  plots.push(plot);
  return plot;
}

/* Draws with a glyph whose colours are names of the page's colours. */
function draw(plot, kind, options, colours) {
  const renderer = plot[kind]({ ...options, ...Object.fromEntries(Object.entries(colours).map(([key, name]) => [key, colour(name)])) });
  renderer.nonselection_glyph = null;
  plot.renderers_to_colour.push([renderer.glyph, colours]);
  return renderer;
}

function restyle(plot) {
  const text = colour("text"), soft = colour("soft"), grid = colour("grid");
  plot.background_fill_color = colour("plot");
  plot.border_fill_color = colour("back");
  plot.outline_line_color = colour("line");
  for (const axis of [...plot.below, ...plot.left]) {
    if (!(axis instanceof Bokeh.Axis)) continue;
    if (axis instanceof Bokeh.DatetimeAxis) axis.formatter = new Bokeh.DatetimeTickFormatter(DATES);
    Object.assign(axis, { axis_label_text_color: text, major_label_text_color: soft, axis_line_color: soft,
      major_tick_line_color: soft, minor_tick_line_color: null, axis_label_text_font_style: "normal" });
  }
  for (const each of plot.center) if (each instanceof Bokeh.Grid) each.grid_line_color = grid;
  for (const legend of [...plot.above, ...plot.center]) {
    if (!(legend instanceof Bokeh.Legend)) continue;
    Object.assign(legend, { background_fill_color: colour("back"), background_fill_alpha: 0.8, border_line_color: null,
      label_text_color: text, label_text_font_size: "12px", inactive_fill_alpha: 0.5, padding: 2, margin: 2, spacing: 12 });
  }
  for (const [glyph, colours] of plot.renderers_to_colour)
    for (const [key, name] of Object.entries(colours)) glyph[key] = { value: colour(name) };
  for (const each of plot.center) if (each.page_colour) each[each.page_colour[0]] = colour(each.page_colour[1]);
}

/* A limit, the moment, a fault: lines and boxes across a figure. */
function addSpan(plot, options, name) {
  const span = new Bokeh.Span({ line_width: 1.5, level: "overlay", ...options, line_color: colour(name) });
  span.page_colour = ["line_color", name];
  plot.add_layout(span);
  return span;
}

function addBand(plot, left, right) {
  const box = new Bokeh.BoxAnnotation({ left, right, fill_color: colour("band"), fill_alpha: 0.25, level: "underlay" });
  box.page_colour = ["fill_color", "band"];
  plot.add_layout(box);
}

/* A legend above the plot, where it covers nothing. */
function addLegend(plot, items, click_policy = "hide") {
  const found = items.map(([label, renderers]) => new Bokeh.LegendItem({ label, renderers }));
  const ncols = innerWidth < 700 ? 1 : 2;
  plot.add_layout(new Bokeh.Legend({ items: found, orientation: "horizontal", click_policy, ncols }), "above");
  plot.height += 24 * (Math.ceil(items.length / ncols) - 1); // else it would be taken from what is drawn
}

/* Into the page, with a name for those who do not see it. */
function place(plot, target, label) {
  restyle(plot);
  target.setAttribute("role", "img");
  target.setAttribute("aria-label", label);
  return Bokeh.Plotting.show(plot, target);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  plots.forEach(restyle);
  document.dispatchEvent(new Event("recolour"));
});
