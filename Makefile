# Needs Python 3.11, pip and make; everything else goes into .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: install tour demo test test-slow bench fuzz lint format docs site pictures studies impacts lock clean

install: .venv/.installed

.venv/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

# The first page of the README: a feeder that breaks, a community that holds it, and a network that loses nine in ten.
tour: install
	rm -rf results/tour
	$(BIN)/cosim run charging_village --set communities=[] --out results/tour/alone
	$(BIN)/cosim run charging_village --out results/tour/regulated
	$(BIN)/cosim run charging_village --set comms.default.loss.loss_probability=0.9 --out results/tour/deaf

# The demo: 99 homes with PV and storage on a real feeder, two weeks of July.
demo: install
	$(BIN)/cosim run storage_village

# Each worker has a core: threads within one would only wait for each other. Bytecode is kept, wherever it is
# not by default: the commands that tests start read what the workers have compiled.
test: install
	PYTHONDONTWRITEBYTECODE= OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n auto --dist worksteal

# The other cases of what is slow, all examples of each property, and what takes minutes, one after the other:
# docs/verification.md.
test-slow: install
	PYTHONDONTWRITEBYTECODE= COSIM_ALL_EXAMPLES=1 $(BIN)/python -m pytest -m "slow or hypothesis"

# Speed and memory, each beside what it is compared with.
bench: install
	$(BIN)/python bench/bench_market.py
	$(BIN)/python bench/bench_trading.py
	$(BIN)/python bench/bench_regulation.py
	$(BIN)/python bench/bench_copies.py
	$(BIN)/python bench/bench_power_flow.py
	$(BIN)/python bench/bench_power_flow_beside.py
	$(BIN)/python bench/bench_inverter.py
	$(BIN)/python bench/bench_schedule.py
	$(BIN)/python bench/bench_startup.py
	$(BIN)/python bench/bench_memory.py
	$(BIN)/python bench/bench_sweep.py
	$(BIN)/python bench/bench_impact.py
	$(BIN)/python bench/bench_page.py
	$(BIN)/python bench/bench_page.py storage_year

# Damaged scenarios, networks and CSV files by seed: refused with clear messages, or run to their end.
fuzz: install
	$(BIN)/python tests/fuzz/fuzzer.py --scenarios 20000 --networks 2500 --csvs 2500 --shrink

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Reference pages that are made from the code, and the tutorials' notebooks, which are made from their pages.
docs: install
	$(BIN)/python docs/build_reference.py
	$(BIN)/python docs/notebooks.py

# The documentation as a site; a warning is an error. `python -m http.server --directory site` shows it with its search.
site: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Pin what pyproject.toml allows; uv is needed for this alone.
lock: install
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --no-annotate --python-version 3.11 \
		--no-emit-index-url --custom-compile-command "make lock" --quiet --upgrade --output-file requirements.lock

# The studies of docs/robustness.md at their full size, one after the other; its figures are copied from there.
STUDIES := gain latency_loss mitigations faults feeder grid_aware trading
studies: install
	rm -rf results/studies
	for study in $(STUDIES); do \
		$(BIN)/cosim sweep robustness_$$study --quiet --out results/studies/$$study && \
		$(BIN)/cosim robustness results/studies/$$study || exit 1; done
	$(BIN)/python docs/robustness.py results/studies

# The studies of docs/impact_studies.md at their full size; its tables are copied from there.
IMPACTS := ev communication communication_pv signals pv heat_pump mixed
impacts: install
	rm -rf results/impacts
	for study in $(IMPACTS); do \
		$(BIN)/cosim impact impact_$$study --quiet --out results/impacts/$$study || exit 1; done

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info build dist site

# The figures of the README, of docs/compare.md, of the tutorials, of the trading pages and of the four architectures, each from a run made for it.
pictures: install
	rm -rf results/pictures
	$(BIN)/cosim run storage_village --quiet --out results/pictures
	$(BIN)/cosim figures results/pictures
	cp results/pictures/figures/aggregate.png docs/images/
	$(BIN)/cosim run evening_export --quiet --out results/pictures/evening
	$(BIN)/cosim figures results/pictures/evening
	cp results/pictures/evening/figures/feeder.png docs/images/
	$(BIN)/cosim run storage_village --set time.duration_h=48 --set report.figures=false --quiet --out results/pictures/base
	$(BIN)/cosim run storage_village --set time.duration_h=48 --set report.figures=false \
		--set comms.default.loss.loss_probability=0.3 --quiet --out results/pictures/lossy
	$(BIN)/cosim compare results/pictures/base results/pictures/lossy --out results/pictures/compared
	$(BIN)/cosim run faulty_community --quiet --out results/pictures/faulty
	$(BIN)/cosim figures results/pictures/faulty
	cp results/pictures/faulty/figures/faults.png docs/images/faults.png
	cp results/pictures/compared/numbers.png docs/images/compare_numbers.png
	cp results/pictures/compared/durations.png docs/images/compare_durations.png
	for scenario in firm_village island_village tied_villages; do \
		$(BIN)/cosim run $$scenario --quiet --out results/pictures/$$scenario && \
		$(BIN)/cosim figures results/pictures/$$scenario --dpi 110 || exit 1; done
	cp results/pictures/firm_village/figures/firm.png docs/images/firm_village.png
	cp results/pictures/island_village/figures/firm.png docs/images/island_village.png
	cp results/pictures/tied_villages/figures/ties.png docs/images/tied_villages.png
	$(BIN)/cosim run lotfi_case --quiet --out results/pictures/lotfi
	$(BIN)/cosim figures results/pictures/lotfi
	cp results/pictures/lotfi/figures/trading_offers.png docs/images/lotfi_offers.png
	cp results/pictures/lotfi/figures/trading_schedule.png docs/images/lotfi_schedule.png
	cp results/pictures/lotfi/figures/trading_allocation.png docs/images/lotfi_allocation.png
	$(BIN)/python docs/lotfi_case.py --figure docs/images/lotfi_rigidity.png
	$(BIN)/python docs/trading_rush.py --figure docs/images/trading_rush.png
	$(BIN)/python docs/notebooks.py --figures
