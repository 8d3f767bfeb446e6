# Thin names for what run.py and the console command do; `make` alone lists them.
.PHONY: help run setup test faults bench lint lock messages migrations

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: ## set up and start everything with the demo clinic
	python3 run.py

setup: ## set up, with what the tests need
	python3 run.py setup --dev

test: ## set up and test everything
	python3 run.py test

faults: setup ## kill, halt and starve every part of the running product, all cells
	.venv/bin/python -m pytest tests/faults --whole

bench: setup ## measure the product beside the raw limit, in one run
	.venv/bin/python -m bench --json bench.json --markdown bench.md

lint: setup ## style, layout, own rules, imports and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/semgrep scan --config checks/house.yaml --metrics off --disable-version-check --quiet --error followup api worker templates
	.venv/bin/bandit --quiet --recursive -ll --configfile pyproject.toml followup api worker
	.venv/bin/lint-imports
	.venv/bin/mypy

messages: setup ## collect the texts into the translations
	.venv/bin/followup messages --update

migrations: setup ## write migrations for changed models
	.venv/bin/python manage.py makemigrations

lock: setup ## pin the packages of requirements/*.in anew, with hashes and without addresses
	cd requirements && for name in core dev node installer; do \
		../.venv/bin/python -m uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
			--generate-hashes --no-header --no-annotate $$name.in -o $$name.lock; done
