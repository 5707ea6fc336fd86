"use strict";
/* The moment that the whole page shows, and what moves it: slider, play, buttons, a click in a figure. */

const moment = { second: 0, times: [], listeners: [] };

function setUpMoment(times) {
  moment.times = times;
  const slider = document.getElementById("slider"), play = document.getElementById("play");
  slider.max = times.length - 1;
  slider.addEventListener("input", () => goTo(times[slider.value]));
  let timer = null;
  const stop = () => { clearInterval(timer); timer = null; play.textContent = "Play"; play.setAttribute("aria-pressed", "false"); };
  play.addEventListener("click", () => {
    if (timer) return stop();
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    if (Number(slider.value) >= times.length - 1) goTo(times[0]);
    timer = setInterval(() => Number(slider.value) >= times.length - 1 ? stop() : goTo(times[Number(slider.value) + 1]), 200);
  });
  show("moment");
}

/* The interval that holds a second of the run. */
function goTo(second) {
  const place = Math.max(0, lastAtOrBefore(moment.times, second));
  const slider = document.getElementById("slider");
  moment.second = moment.times[place];
  slider.value = place;
  slider.setAttribute("aria-valuetext", dateText(moment.second));
  document.getElementById("clock").textContent = dateText(moment.second);
  for (const listener of moment.listeners) listener(moment.second, place);
}

/* Buttons that go where each kind of limit was used most. */
function fillMoments(onSelect) {
  const place = document.getElementById("moments");
  for (const each of page.moments) {
    const where = each.kind ? `: ${elementName(each.kind, each.element)}` : "", value = each.value ? `, ${each.value}` : "";
    const button = make("button", "", { type: "button" });
    setText(button, `${each.label}${where}${value}, ${dateText(each.second)}`);
    if (each.left) button.classList.add("left");
    button.addEventListener("click", () => { goTo(each.second); if (each.kind) onSelect(each.kind, each.element); });
    place.append(button);
  }
}
