"""The page of a run in a real browser: the slider moves the map, a click opens a bus, texts stay texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cosim.engine.wings import tables
from cosim.report.page.run_page import write_report
from tests.unit.small_run import SmallRun, hours, scenario_text

TORN = "Of 263 736 messages 13 313 were lost (5 %) from 2016-07-05 07:00 UTC on, 3.5 kW in 12 of 48 intervals"
HOSTILE = '<img src=x onerror="window.taken = 1"><script>window.taken = 1</script>'


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which a voltage is left in one interval, and whatever has a name is hostile."""
    small = (
        SmallRun(tmp_path_factory.mktemp("page") / "run", grid=True).prosumers().market().messages([5, 900])
    )
    small.meters().batteries().topology(name=HOSTILE).faults((HOSTILE, 3, 9, 2)).feeder()
    small.store.writer(tables()["violations"]).append(
        {"time": hours(48)[[30]], "kind": ["vm_max_pu"], "element": [9], "value": [1.2], "limit": [1.1]}
    )
    folder = small.end().folder
    (folder / "scenario.yaml").write_text(scenario_text(4, 48, True, HOSTILE), encoding="utf-8")
    record = {
        "status": "failed",
        "cause": HOSTILE,
        "seed": 7,
        "verdict": f"It left its limits at {HOSTILE}. {TORN}.",
    }
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    numbers = {
        "voltage_high_use_max": 1.1,
        "voltage_high_use_max_bus": 9,
        "voltage_high_use_max_time_h": 30.0,
        "voltage_high_intervals": 1,
    }
    (folder / "summary.json").write_text(json.dumps({"verdict": HOSTILE, **numbers}), encoding="utf-8")
    return write_report(folder)


@pytest.fixture(scope="module")
def page(file: Path, opened: Callable[..., Any]) -> Any:
    return opened(file)


def shown_colours(page: Any) -> list[str]:
    return page.evaluate("[...feeder.shown.colours.bus, ...feeder.shown.colours.branch]")


def place_on_map(page: Any, bus: int) -> tuple[float, float]:
    """Where a bus is on the screen, once figures that are still drawn no longer move the map."""
    at = None
    for _ in range(50):
        before, at = (
            at,
            page.evaluate(
                """(bus) => {
                  const map = document.querySelector("#map"), n = feeder.placeOf.get(bus);
                  map.scrollIntoView({ block: "center" });
                  const { frame } = Bokeh.index.roots.find((each) => each.model.height === 460);
                  const box = map.getBoundingClientRect();
                  return [box.x + frame.x_scale.compute(feeder.buses.x[n] * feeder.stretch),
                          box.y + frame.y_scale.compute(feeder.buses.y[n])];
                }""",
                bus,
            ),
        )
        if at == before:
            return at[0], at[1]
        page.wait_for_timeout(200)
    raise AssertionError(f"the map still moves: {before}, {at}")


def test_it_opens_without_a_network_an_error_or_a_word_taken_for_code(page: Any, file: Path) -> None:
    page.evaluate("dispatchEvent(new Event('beforeprint'))")  # draws everything
    page.wait_for_timeout(300)
    assert page.said == []
    assert page.asked == [file.resolve().as_uri()]
    assert page.evaluate("window.taken") is None
    assert page.locator("h1").inner_text() == HOSTILE
    assert HOSTILE in page.locator(".answer").first.inner_text()
    assert page.locator("main img").count() == 0


def test_it_begins_at_the_worst_interval_and_the_slider_moves_the_map(page: Any) -> None:
    assert page.locator("#clock").inner_text() == "2016-07-05 06:00 UTC"
    before = shown_colours(page)
    page.locator("#slider").focus()
    seen = set()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
        seen.add(json.dumps(shown_colours(page)))
    assert page.locator("#clock").inner_text() == "2016-07-05 12:00 UTC"
    assert len(seen - {json.dumps(before)}) > 1
    page.locator("#moments button").first.click()
    assert page.locator("#clock").inner_text() == "2016-07-05 06:00 UTC"
    assert shown_colours(page) == before


def test_a_click_on_the_map_opens_a_bus_with_its_households(page: Any) -> None:
    page.evaluate("document.getElementById('bus').hidden = true")
    page.mouse.click(*place_on_map(page, 9))
    page.wait_for_selector("#bus:not([hidden])")
    assert page.locator("#bus-title").inner_text().startswith("Bus ")
    assert page.locator("#choice").input_value() == "9"
    rows = page.locator("#bus-now tbody tr").all_inner_texts()
    assert sum(row.startswith("household ") for row in rows) == 2
    assert "stored" in rows[-1]
    assert page.locator("#bus-plots figure:not([hidden])").count() >= 5
    assert page.said == []


def test_a_click_on_a_transformer_opens_it_with_its_rating_and_brings_it_into_view(page: Any) -> None:
    page.mouse.click(*place_on_map(page, 4))
    page.locator("#bus-title", has_text="Transformer 0").wait_for()
    assert page.locator("#choice").input_value() == "trafo 0"
    assert "limit 100 % of 250 kVA" in page.locator("#bus-now tbody tr").first.inner_text()
    assert abs(page.locator("#bus").bounding_box()["y"]) < 50
    page.locator("#choice").select_option("9")
    assert page.locator("#bus-title").inner_text().startswith("Bus ")


def test_every_curve_of_what_is_chosen_has_a_legend_with_a_look_of_its_own(page: Any) -> None:
    page.locator("#choice").select_option("trafo 0")
    figure = page.locator("#bus-plots figure", has_text="Lines and transformers that end here")
    names = figure.locator(".legend li").all_inner_texts()
    named = "branchesAt(panel.bus).map((n) => elementName(feeder.branches.kind[n], feeder.branches.id[n]))"
    assert sorted(names) == sorted(page.evaluate(named))
    assert len(names) == 3
    look = "(key) => getComputedStyle(key).borderTopColor + getComputedStyle(key).borderTopStyle"
    looks = {key.evaluate(look) for key in figure.locator(".legend span").all()}
    assert len(looks) == len(names)


def test_what_the_answer_tells_is_not_told_again(page: Any) -> None:
    page.locator("#moments button").first.click()
    assert page.locator("#then").inner_text().startswith("In the hour from 2016-07-05 06:00 UTC on, ")
    page.evaluate("page.told = moment.second; goTo(moment.second)")
    assert page.locator("#then").inner_text() == ""
    assert page.locator("#told").is_visible()
    page.locator("#slider").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#then").inner_text().startswith("In the hour from 2016-07-05 07:00 UTC on, ")
    assert not page.locator("#told").is_visible()
    page.evaluate("page.told = -1")


def test_the_table_of_violations_jumps_and_zoom_and_play_work(page: Any) -> None:
    page.locator("[data-zoom=all]").click()
    page.locator("#episodes button").first.click()
    assert page.locator("#clock").inner_text() == "2016-07-05 06:00 UTC"
    page.locator("[data-zoom=day]").click()
    assert page.evaluate("new Set(timeline.ranges.map((range) => range.end - range.start)).size") == 1
    assert page.evaluate("timeline.end - timeline.start") == 24 * 3_600_000
    play = page.locator("#play")
    play.click()
    page.wait_for_timeout(500)
    play.click()
    assert page.locator("#clock").inner_text() > "2016-07-05 06:00 UTC"
    assert page.said == []


def test_axe_finds_nothing_serious_and_nothing_is_wider_than_a_telephone(
    file: Path, opened: Callable[..., Any]
) -> None:
    page = opened(file, bypass_csp=True, viewport={"width": 400, "height": 800})
    page.locator("#moments button").first.click()
    page.evaluate("""document.querySelectorAll("main > section > details, #series figure:first-child details")
                             .forEach((each) => { each.open = true; })""")
    assert page.serious("{resultTypes: ['violations']}") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.emulate_media(color_scheme="dark")
    assert page.serious("{resultTypes: ['violations'], runOnly: ['color-contrast']}") == []


def test_no_number_with_its_unit_and_no_date_is_torn_apart_at_a_lines_end(page: Any) -> None:
    assert TORN in page.locator(".answer").nth(1).inner_text()
    kept = page.locator(".answer").nth(1).locator(".together")
    assert kept.all_inner_texts() == ["263 736", "13 313", "5 %", "2016-07-05 07:00 UTC", "3.5 kW"]
    assert kept.first.evaluate("(each) => getComputedStyle(each).whiteSpace") == "nowrap"
    assert "2016-07-05 06:00 UTC" in page.locator("#moments .together").all_inner_texts()


def test_a_table_that_goes_on_beyond_the_screen_says_so(file: Path, opened: Callable[..., Any]) -> None:
    hint = """(table) => [table.classList.contains("more"), getComputedStyle(table, "::before").content]"""
    for width, goes_on in ((390, True), (1600, False)):
        page = opened(file, viewport={"width": width, "height": 900})
        page.wait_for_timeout(100)
        more, said = page.locator("#violations .wide").evaluate(hint)
        assert (more, "Scroll sideways" in said) == (goes_on, goes_on)


def test_it_is_ready_after_little_work(file: Path, opened: Callable[..., Any]) -> None:
    """Of the page's thread, so that other processes do not count; within 2 s with much to spare."""
    assert 0.01 < opened(file).main_thread_s() < 1.5
