"use strict";
/* The page's data, and how its packed numbers become arrays. */

const page = JSON.parse(document.getElementById("data").textContent);

function bytesOf(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

/* Numbers: 65,535 even levels; the last one stands for what is not known. */
function unpack(packed) {
  const levels = new Uint16Array(bytesOf(packed.levels).buffer);
  const values = new Float64Array(levels.length);
  for (let i = 0; i < levels.length; i++) values[i] = levels[i] === 65535 ? NaN : packed.low + packed.step * levels[i];
  return values;
}

/* Instants: whole seconds since the run's start. */
function unpackTimes(packed) {
  if ("seconds" in packed) return Float64Array.from(new Int32Array(bytesOf(packed.seconds).buffer));
  return Float64Array.from({ length: packed.n }, (_, i) => packed.first + packed.gap * i);
}

/* Where the last of increasing values lies that is not above x; -1 before the first. */
function lastAtOrBefore(values, x) {
  let low = -1, high = values.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (values[middle] <= x) low = middle; else high = middle;
  }
  return low;
}

function nearest(values, x) {
  const before = Math.max(0, lastAtOrBefore(values, x));
  const after = Math.min(values.length - 1, before + 1);
  return x - values[before] <= values[after] - x ? before : after;
}

/* The one format of dates and numbers. */
function dateText(second) {
  return new Date(page.start_ms + 1000 * second).toISOString().slice(0, 16).replace("T", " ") + " UTC";
}

function numberText(value, digits = 4) {
  if (value === null || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const decimals = Math.min(6, Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value)))));
  const [whole, rest] = Math.abs(value).toFixed(decimals).split(".");
  const fraction = (rest || "").replace(/0+$/, "");
  const sign = value < 0 ? "-" : "";
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, "\u2009") + (fraction ? "." + fraction : "");
}
