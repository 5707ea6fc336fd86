"use strict";
/* Puts the page of a run together. */

function fillEpisodes(onSelect) {
  const { rows, n } = page.episodes;
  if (!rows.length) return;
  const cells = rows.map((row) => {
    const button = make("button", "Show", { type: "button", "aria-label": `Show ${elementName(row.kind, row.element)} at ${dateText(row.moment)}` });
    button.addEventListener("click", () => { goTo(row.moment); onSelect(row.kind, row.element); document.getElementById("moment").scrollIntoView(); });
    return [button, row.what, elementName(row.kind, row.element), dateText(row.start), `${row.hours} h`, row.worst, row.limit, dateText(row.moment)];
  });
  fillTable(document.getElementById("episodes"), ["go there", "what", "where", "from", "for", "worst", "limit", "worst at"], cells);
  const more = n > rows.length ? ` The first ${rows.length} of ${n}; the table violations has all.` : "";
  document.getElementById("violations-note").textContent = `Each row is a stretch without a break, the furthest beyond its limit first.${more}`;
  show("violations");
}

function drawBills(target) {
  const { households, parts } = page.bills;
  const plot = newPlot({ x_range: new Bokeh.FactorRange({ factors: households }), y_axis_label: "EUR", height: 260 }), items = [];
  const above = new Array(households.length).fill(0), below = new Array(households.length).fill(0);
  parts.forEach((part, n) => {
    const bottom = part.values.map((value, h) => (value >= 0 ? above[h] : below[h])), top = part.values.map((value, h) => bottom[h] + value);
    part.values.forEach((value, h) => { if (value >= 0) above[h] += value; else below[h] += value; });
    const source = new Bokeh.ColumnDataSource({ data: { x: households, bottom, top, value: part.values } });
    const bars = draw(plot, "vbar", { x: { field: "x" }, bottom: { field: "bottom" }, top: { field: "top" }, width: 0.85, source, line_width: 0.3 }, { fill_color: "s" + (n % SHADES), line_color: "back" });
    bars.name = part.name;
    items.push([part.name, [bars]]);
  });
  plot.add_tools(new Bokeh.HoverTool({ tooltips: [["", "@x"], ["part", "$name"], ["EUR", "@value{0.00}"]] }));
  plot.below[0].major_label_text_font_size = households.length > 30 ? "0px" : "11px";
  addLegend(plot, items);
  place(plot, target, "Bills of the households by their parts; the table below has every number");
}

function main() {
  const select = (kind, id) => feeder && selectElement(kind, id);
  page.charts.forEach(unpackChart);
  const times = feeder ? feeder.seconds : page.charts.length ? page.charts[0].series[0].seconds : [];
  if (times.length) setUpMoment(times);
  fillNow(page.charts);
  fillMoments(select);
  fillEpisodes(select);
  if (feeder) setUpBus();
  if (feeder && feeder.n < feeder.n_all) {
    const note = document.getElementById("thinned");
    note.textContent = `The map has ${feeder.n} of ${feeder.n_all} intervals: of each stretch those with the extremes of voltage and loading, and the worst of every element.`;
    note.hidden = false;
  }
  const drawn = feeder ? drawMap(openElement) : Promise.resolve();
  if (times.length) goTo(page.moments.length ? page.moments[0].second : times[0]);
  drawn.then(() => { document.documentElement.dataset.ready = String(Math.round(performance.now())); });
  if (page.charts.length) show("series");
  for (const chart of page.charts) {
    const target = figureBox(document.getElementById("series-plots"), chart.title, about(chart), seriesRows(chart));
    whenNear(target, () => place(timePlot(chart), target, `${chart.title} over time [${chart.unit}]; the table below has the values`));
  }
  for (const [section, plots_, charts] of [["durations", "duration-plots", page.durations], ["messages", "latency-plot", page.latencies]]) {
    if (charts.length) show(section);
    for (const chart of charts) {
      chart.series.forEach((each) => { each.xs = unpack(each.x); each.values = unpack(each.y); });
      const target = figureBox(document.getElementById(plots_), chart.title, about(chart), curveRows(chart));
      whenNear(target, () => place(curvePlot(chart), target, `${chart.title} [${chart.unit}]; the table below has the values`));
    }
  }
  if (page.bills) {
    const target = figureBox(document.getElementById("bill-plot"), "Bills by their parts", "What is earned lies below zero.");
    whenNear(target, () => drawBills(target));
  }
  setUpZoom();
  fillContents();
  dressPage();
}

main();
