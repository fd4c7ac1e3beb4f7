# Two commands do everything: `make run` and `make test`. Everything else is a part of them.
.DEFAULT_GOAL := help
HOME_DIR ?= var
APP := .venv
BOT := .venv-rasa
MOTCUA := MOTCUA_HOME=$(HOME_DIR) $(APP)/bin/motcua

.PHONY: help run install prepare demo test check widget lock clean

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: install prepare ## install, prepare and serve; Ctrl-C stops everything
	@$(MOTCUA) serve

install: $(APP)/.installed $(BOT)/.installed ## make both Python environments from the locked requirements

$(APP)/.installed: requirements/app.txt pyproject.toml
	@echo "[1/5] app environment ($(APP)) …"
	@python=$$(tools/find-python 3.11 3.12 3.13) && "$$python" -m venv --clear $(APP)
	@$(APP)/bin/pip install --quiet --requirement requirements/app.txt
	@$(APP)/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(BOT)/.installed: requirements/rasa.txt
	@echo "[2/5] Rasa environment ($(BOT)) …"
	@python=$$(tools/find-python 3.10) && "$$python" -m venv --clear $(BOT)
	@$(BOT)/bin/pip install --quiet --no-deps --requirement requirements/rasa.txt
	@touch $@

prepare: install ## import the starter catalogue, build the index, train Rasa when its inputs changed
	@echo "[3/5] catalogue …" && $(MOTCUA) import knowledge/starter && $(MOTCUA) dossiers import --sample
	@echo "[4/5] search index …" && $(MOTCUA) index
	@echo "[5/5] Rasa model …" && $(MOTCUA) train

demo: ## try everything out with made-up data: chat page, console, Zalo and Telegram emulated (var-demo); Ctrl-C stops it
	@$(MAKE) --no-print-directory prepare HOME_DIR=var-demo
	@$(APP)/bin/python -m tools.demo --home var-demo

test: install $(APP)/.test-installed ## run the whole test suite
	@$(APP)/bin/python -m pytest

$(APP)/.test-installed: requirements/test.txt $(APP)/.installed
	@$(APP)/bin/pip install --quiet --requirement requirements/test.txt
	@touch $@

check: $(APP)/.test-installed ## lint and type checks
	@$(APP)/bin/ruff check . && $(APP)/bin/ruff format --check .

widget: ## build the website widget from its source (needs node and npm)
	@cd connectors/web/widget && npm install --silent && npm run --silent check && npm run --silent build

lock: ## pin requirements/*.in anew (the Rasa lock is kept by hand, see its head)
	@set -e; dir=$$(mktemp -d); python=$$(tools/find-python 3.11) && "$$python" -m venv $$dir; \
	$$dir/bin/pip install --quiet --requirement requirements/app.in; \
	$$dir/bin/pip freeze | sed 's/+cpu$$//' | sort -f > $$dir/app; \
	$$dir/bin/pip install --quiet --requirement requirements/test.in; \
	$$dir/bin/pip freeze | sed 's/+cpu$$//' | sort -f | grep -vxFf $$dir/app > $$dir/test; \
	for name in app test; do { head -1 requirements/$$name.txt; cat $$dir/$$name; } > $$dir/new; cp $$dir/new requirements/$$name.txt; done; \
	rm -rf $$dir

clean: ## remove environments and caches, keep the installation's data
	rm -rf $(APP) $(BOT) .pytest_cache .hypothesis
