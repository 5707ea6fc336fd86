"use strict";
/* Figures of studies: curves with bands, dots with intervals, maps whose cells open the runs behind them, feeders with marks. */

/* Bands of several curves would cover each other: these have whiskers, the curves a little beside each other. */
function beside(figure) {
  const xs = figure.curves.flatMap((each) => each.x), scale = figure.log ? Math.log : (x) => x, back = figure.log ? Math.exp : (x) => x;
  const step = 0.008 * (scale(Math.max(...xs)) - scale(Math.min(...xs)));
  return (x, n) => back(scale(x) + step * (n - (figure.curves.length - 1) / 2));
}

function drawCurves(figure, target) {
  const plot = newPlot({ height: 300, x_axis_label: figure.x_label, y_axis_label: figure.y_label, x_axis_type: figure.log ? "log" : "linear" }), items = [], aside = beside(figure), isOne = figure.curves.length === 1;
  figure.curves.forEach((each, n) => {
    const known = each.x.map((_, i) => i).filter((i) => each.y[i] !== null), pick = (values) => known.map((i) => values[i] ?? NaN);
    const filled = known.map((i) => (each.hollow && each.hollow[i] ? 0 : 1)), shade = "s" + ((each.shade ?? n) % SHADES);
    const source = new Bokeh.ColumnDataSource({ data: { at: pick(each.x), x: pick(each.x).map((x) => aside(x, n)), y: pick(each.y), l: pick(each.l), h: pick(each.h), filled } });
    const area = isOne
      ? draw(plot, "varea", { x: { field: "x" }, y1: { field: "l" }, y2: { field: "h" }, source, fill_alpha: 0.15 }, { fill_color: shade })
      : draw(plot, "segment", { x0: { field: "x" }, x1: { field: "x" }, y0: { field: "l" }, y1: { field: "h" }, source, line_width: 1.2 }, { line_color: shade });
    const line = draw(plot, "line", { x: { field: "x" }, y: { field: "y" }, source, line_width: 1.8, line_dash: n % 2 ? [6, 3] : [] }, { line_color: shade });
    const marks = draw(plot, "scatter", { x: { field: "x" }, y: { field: "y" }, source, size: 8, fill_alpha: { field: "filled" }, marker: MARKERS[n % MARKERS.length] }, { fill_color: shade, line_color: shade });
    marks.name = each.name;
    items.push([each.name, [line, marks, area]]);
    plot.add_tools(new Bokeh.HoverTool({ renderers: [marks], tooltips: [["", "$name"], [figure.x_label, "@at"], [figure.y_label, "@y{0,0.000}"], ["interval", "@l{0,0.000} to @h{0,0.000}"]] }));
  });
  if (figure.line) addSpan(plot, { location: figure.line.value, dimension: "width", line_dash: [2, 2] }, "u3");
  addLegend(plot, items);
  return place(plot, target, `${figure.title}; the table below has the values`);
}

function curvesRows(figure) {
  const rows = figure.curves.flatMap((each) => each.x.map((x, n) => [each.name, numberText(x) + (each.hollow && each.hollow[n] ? " *" : ""), ...[each.y[n], each.l[n], each.h[n]].map((value) => numberText(value))]));
  const inferred = figure.curves.some((each) => each.hollow && each.hollow.some((one) => one));
  return { columns: ["curve", figure.x_label, figure.y_label, "from", "to"], rows, note: inferred && "*: inferred; not every seed was run at this penetration." };
}

const MARKERS = ["circle", "square", "triangle", "diamond", "inverted_triangle", "hex"];

/* Rows from above, as they are told; a name stands as often as it likes. */
function drawDots(figure, target) {
  const most = innerWidth < 700 ? 24 : 60, short = (name) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);
  const names = figure.rows.map((row, n) => `${short(row.name)}${"\u200b".repeat(n)}`), single = { x: [], y: [] };
  const plot = newPlot({ height: 90 + (figure.rows.some((row) => row.single.length) ? 56 : 40) * names.length, x_axis_label: figure.x_label, y_range: new Bokeh.FactorRange({ factors: [...names].reverse() }) });
  const every = figure.rows.flatMap((row) => [row.value, row.low, row.high, ...row.single, ...(figure.zero ? [0] : [])]).filter((value) => value !== null);
  const aside = 0.012 * (Math.max(...every) - Math.min(...every));
  // Seeds with the same value stand below in columns of four, so that all are seen and can be counted.
  figure.rows.forEach((row, n) => row.single.forEach((value, place) => {
    const same = row.single.slice(0, place).filter((other) => other === value).length, all = row.single.filter((other) => other === value).length;
    single.x.push(value + aside * (Math.floor(same / 4) - Math.floor((all - 1) / 4) / 2));
    single.y.push([names[n], -0.2 - 0.09 * (same % 4)]);
  }));
  const shade = (row) => "s" + (row.shade % SHADES), items = [], words = figure.words || [];
  const rows = new Bokeh.ColumnDataSource({ data: { y: names, x: figure.rows.map((row) => row.value ?? NaN), low: figure.rows.map((row) => row.low ?? NaN), high: figure.rows.map((row) => row.high ?? NaN) } });
  const small = draw(plot, "scatter", { x: { field: "x" }, y: { field: "y" }, source: new Bokeh.ColumnDataSource({ data: single }), size: 5, line_alpha: 0 }, { fill_color: "soft" });
  const spans = draw(plot, "segment", { x0: { field: "low" }, x1: { field: "high" }, y0: { field: "y" }, y1: { field: "y" }, source: rows, line_width: 2.5 }, { line_color: "text" });
  // One renderer a row, so that each has the colour of its mode, which another figure gives it, too.
  const marks = figure.rows.map((row, n) => draw(plot, "scatter", { x: { field: "x" }, y: { field: "y" }, source: rows, view: new Bokeh.CDSView({ filter: new Bokeh.IndexFilter({ indices: [n] }) }), size: 13 }, { fill_color: shade(row), line_color: "text" }));
  const bounds = figure.rows.flatMap((row, n) => (row.bound ? [[row.value, names[n], row.bound]] : []));
  if (bounds.length) {
    const source = new Bokeh.ColumnDataSource({ data: { x: bounds.map(([x]) => x), y: bounds.map(([, y]) => y), text: bounds.map(([, , text]) => text) } });
    const left = bounds.every(([x]) => x > 0);
    draw(plot, "text", { x: { field: "x" }, y: { field: "y" }, text: { field: "text" }, source, x_offset: left ? -12 : 12, y_offset: -6,
      text_align: left ? "right" : "left", text_baseline: "bottom", text_font_size: "12px" }, { text_color: "text" });
  }
  if (figure.zero) { // what is compared with nothing shows it
    plot.scatter({ x: [0], y: [names[0]], size: 1, fill_alpha: 0, line_alpha: 0 });
    addSpan(plot, { location: 0, dimension: "height", line_dash: [2, 2] }, "soft");
  }
  plot.add_tools(new Bokeh.HoverTool({ renderers: marks, tooltips: [["", "@y"], ["value", "@x{0,0.000}"], ["interval", "@low{0,0.000} to @high{0,0.000}"]] }));
  [[marks[0]], [spans], [small]].forEach((renderers, n) => { if (words[n]) items.push([words[n], renderers]); });
  if (items.length) addLegend(plot, items, "none");
  return place(plot, target, `${figure.title}; the table below has the values`);
}

function dotsRows(figure) {
  return { columns: ["what", figure.x_label, "from", "to"], rows: figure.rows.map((row) => [row.name, `${row.bound ? row.bound + " " : ""}${numberText(row.value)}`, numberText(row.low), numberText(row.high)]) };
}

/* A map is a table: cells are buttons, which a keyboard reaches and a screen reader reads. */
function drawMap(figure, target) {
  const [xs, ys] = figure.values, at = new Map(figure.cells.map((cell) => [JSON.stringify([cell.x, cell.y]), cell]));
  const known = figure.cells.map((cell) => cell.value).filter((value) => value !== null), low = Math.min(...known), high = Math.max(...known);
  const table = make("table", "", { class: "map-table" }), head = make("tr"), body = make("tbody"), behind = make("div", "", { class: "wide tall", tabindex: "0", role: "region", "aria-live": "polite", "aria-label": `The runs behind a cell: ${figure.title}` });
  table.append(make("caption", `${figure.axes[1]} downwards, ${figure.axes[0]} to the right; ${figure.unit}`));
  head.append(make("td"), ...xs.map((x) => make("th", x, { scope: "col" })));
  table.append(head, body);
  for (const y of ys) {
    const row = make("tr");
    row.append(make("th", y, { scope: "row" }));
    for (const x of xs) {
      const td = make("td"), cell = at.get(JSON.stringify([x, y]));
      if (cell) {
        const share = high > low ? (cell.value - low) / (high - low) : 0, button = make("button", cell.text, { type: "button" });
        button.style.setProperty("--share", `${Math.round(45 * share)}%`);
        button.addEventListener("click", () => showRuns(figure, cell, behind));
        td.append(button);
      }
      row.append(td);
    }
    body.append(row);
  }
  target.classList.add("wide");
  target.setAttribute("tabindex", "0");
  target.append(table, behind);
}

function showRuns(figure, cell, behind) {
  const table = make("table");
  fillTable(table, figure.columns, cell.runs);
  table.prepend(make("caption", `${figure.axes[0]} ${cell.x}, ${figure.axes[1]} ${cell.y}: ${cell.text}`));
  behind.replaceChildren(table);
}

/* The feeder drawn flat, with rings that tell how often something was there. */
function drawFeeder(figure, target) {
  const plot = newPlot({ height: 420, x_axis_type: null, y_axis_type: null }), column = (n) => figure.lines.map((ends) => ends[n]);
  const lines = new Bokeh.ColumnDataSource({ data: { x0: column(0), y0: column(1), x1: column(2), y1: column(3) } });
  draw(plot, "segment", { x0: { field: "x0" }, y0: { field: "y0" }, x1: { field: "x1" }, y1: { field: "y1" }, source: lines, line_width: 1.2 }, { line_color: "soft" });
  const names = [...new Set(figure.marks.map((each) => each.name))], items = [];
  names.forEach((name, n) => {
    const mine = figure.marks.filter((each) => each.name === name), pick = (key) => mine.map((each) => each[key]);
    const data = { x: pick("x"), y: pick("y"), where: pick("where"), share: mine.map((each) => 100 * each.share), size: mine.map((each) => 8 + 18 * Math.sqrt(each.share) + 5 * n) };
    const rings = draw(plot, "scatter", { x: { field: "x" }, y: { field: "y" }, size: { field: "size" }, source: new Bokeh.ColumnDataSource({ data }), line_width: 2.2, fill_alpha: 0 }, { line_color: "s" + (mine[0].shade % SHADES), fill_color: "s" + (mine[0].shade % SHADES) });
    rings.name = name;
    items.push([name, [rings]]);
    plot.add_tools(new Bokeh.HoverTool({ renderers: [rings], tooltips: [["", "$name"], [figure.columns[1], "@where"], [figure.columns[2], "@share{0}"]] }));
  });
  addLegend(plot, items);
  return place(plot, target, `${figure.title}; the table below has the values`);
}

function feederRows(figure) {
  return { columns: figure.columns, rows: figure.marks.map((each) => [each.name, each.where, numberText(100 * each.share)]) };
}

const KINDS = { feeder: [drawFeeder, feederRows], curves: [drawCurves, curvesRows], dots: [drawDots, dotsRows], map: [drawMap, null] };

function main() {
  if (page.figures.length) show("figures");
  for (const figure of page.figures) {
    const [drawIt, rows] = KINDS[figure.kind];
    const line = figure.line ? ` Dotted: ${figure.line.name}.` : "";
    const target = figureBox(document.getElementById("figure-plots"), figure.title, (figure.about || "") + line, rows && (() => rows(figure)));
    whenNear(target, () => drawIt(figure, target));
  }
  fillContents();
  dressPage();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

main();
