# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Short names for commands that the README shows whole. Every target is safe to repeat.

PYTHON ?= python3
ARGS ?=
# Python 3.13 for test-newest; found on the path or among pyenv's where it isn't given.
export PYTHON313

# What runs in the virtual environment; `setup` itself runs with PYTHON.
IN_VENV = PATH='$(CURDIR)/.venv/bin':"$$PATH"
IN_NEWEST = PATH='$(CURDIR)/.venv-newest/bin':"$$PATH"
PYTEST = python -m pytest --numprocesses=logical --dist=loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup ccms1 dp02 deep dp1 dc2_replication test test-newest lint sanity molecule build tarball freeze clean

help: ## List these targets
	@echo 'rubin.butler: make TARGET [ARGS="further arguments"] [PYTHON=/path/to/python3.11]'
	@awk -F ':.*## ' '/^[a-z0-9_-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: ## Make .venv with the pinned packages, the collections, the link to this checkout, the sample data
	@command -v '$(PYTHON)' >/dev/null || { echo "There is no '$(PYTHON)' here: apt-get install python3 python3-venv, or name one: make PYTHON=/path/to/python3.11"; exit 1; }
	@'$(PYTHON)' -m tools.dev.prepare

ccms1: setup ## Build the sample ccms1 repository in var/embedded, or converge it (ARGS="--check --diff" to look first)
	$(IN_VENV) ansible-playbook -i inventories/embedded playbooks/ccms1.yml $(ARGS)

dp02: setup ## The same for the sample DP0.2 repository, with the whole sky map (a minute or two the first time)
	$(IN_VENV) ansible-playbook -i inventories/embedded playbooks/dp02.yml $(ARGS)

deep: setup ## The same for the sample nights of DEEP (ARGS="-e '{deep_nights: [20190402, 20190403]}'" for one more)
	$(IN_VENV) ansible-playbook -i inventories/embedded playbooks/deep.yml $(ARGS)

dc2_replication: setup ## The same for the sample of the DC2 replication: exports in many files, backups that lack artifacts
	$(IN_VENV) ansible-playbook -i inventories/embedded playbooks/dc2_replication.yml $(ARGS)

dp1: setup ## The same for the sample DP1 repository, with calibrations and products
	$(IN_VENV) ansible-playbook -i inventories/embedded playbooks/dp1.yml $(ARGS)

test: setup ## Run the unit and integration tests (ARGS="tests/unit -k chain" for some)
	$(IN_VENV) $(PYTEST) $(ARGS)

test-newest: setup ## Run them on Python 3.13 with the newest ansible-core and the newest weekly Butler
	@'$(PYTHON)' -m tools.dev.prepare --newest
	$(IN_NEWEST) $(PYTEST) $(ARGS)

lint: setup ## Run ruff, mypy, yamllint, ansible-lint and the changelog's check
	$(IN_VENV) ruff check .
	$(IN_VENV) ruff format --check .
	$(IN_VENV) mypy
	$(IN_VENV) yamllint --strict .
	$(IN_VENV) ansible-lint --offline --strict
	$(IN_VENV) antsibull-changelog lint

sanity: setup ## Run ansible-test sanity on a copy of the tracked files (ARGS="--test validate-modules" for one)
	$(IN_VENV) python -m tools.dev.sanity $(ARGS)

molecule: setup ## Run the molecule scenarios in containers, as root (ARGS="postgresql_registry" for some)
	$(IN_VENV) python -m tools.dev.scenarios $(ARGS)

build: setup ## Build the collection's tarball in var/dist
	$(IN_VENV) ansible-galaxy collection build --force --output-path var/dist

tarball: build ## The same

freeze: ## Write constraints.txt anew from the direct pins in requirements*.txt
	rm -rf var/freeze
	'$(PYTHON)' -m venv var/freeze
	var/freeze/bin/python -m pip install --quiet -r requirements-dev.txt
	{ sed '/^$$/q' constraints.txt; sed -n '/^# Every/p' constraints.txt; var/freeze/bin/python -m pip freeze; } >var/freeze/constraints.txt
	mv var/freeze/constraints.txt constraints.txt
	rm -rf var/freeze

clean: ## Remove what the checkout made: var (the sample repositories too) and caches; .venv stays
	rm -rf var .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache tests/output
	find . -name .venv -prune -o -name .venv-newest -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
