# Every target makes the environments it needs first; a second run of that step takes milliseconds.
LOCAL = .local
ENV = $(LOCAL)/env
# The local stack and the tests are the same whatever AWS profile, endpoint or proxy the caller's shell names.
APART = env -u AWS_PROFILE -u AWS_DEFAULT_PROFILE -u AWS_ENDPOINT_URL AWS_DEFAULT_REGION=ap-south-1 \
  AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null \
  NO_PROXY="127.0.0.1,localhost,$$NO_PROXY" no_proxy="127.0.0.1,localhost,$$no_proxy"
DEV = $(APART) $(ENV)/dev/bin
STACK = $(APART) $(ENV)/stack/bin
# What is used of that environment is compiled then: most of it never is.
SAM = env -u PYTHONDONTWRITEBYTECODE $(ENV)/sam/bin
PYTHON_FILES = layers/order_router/order_router functions infra tests

export PYTHONPATH := layers/order_router:.
export PYTHONDONTWRITEBYTECODE := 1
export SAM_CLI_TELEMETRY := 0
export __SAM_CLI_APP_DIR := $(CURDIR)/$(LOCAL)/sam
# sam validate wants a region, though it asks nobody.
export AWS_DEFAULT_REGION ?= ap-south-1

PROOFS = prove-simulation prove-search prove-sockets prove-race prove-processes prove-api prove-mutants prove-properties prove-sweeps

.DEFAULT_GOAL := help
.PHONY: help run up down logs cli test quick lint types imports template built uv dev stack sam oracle collected unit simulate chaos brokers drill burst prove $(PROOFS) bench build requirements calendar clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

run: ## Start the local stack, send two orders through it, show the functions' logs until Ctrl-C
	@infra/local/bootstrap stack sam
	@exec $(STACK)/python -m infra.local run

up: ## Start the local stack in the background, or redeploy what changed
	@infra/local/bootstrap stack sam
	@$(STACK)/python -m infra.local up

down: ## Stop the local stack; its state is kept
	@infra/local/bootstrap stack
	@$(STACK)/python -m infra.local down

logs: ## Follow the functions' logs
	@infra/local/bootstrap stack
	@exec $(STACK)/python -m infra.local logs

cli: ## The operator's command: make cli ARGS="account list"
	@infra/local/bootstrap dev
	@infra/cli/router $(ARGS)

test: ## Lint, types, import rules, the template, and all tests
	@infra/local/bootstrap dev
	@$(MAKE) --no-print-directory -j 3 --output-sync types oracle built template collected lint imports
	@HYPOTHESIS_PROFILE=commit $(DEV)/pytest -n auto --dist loadgroup

quick: ## Those unit and contract tests that a change touches: for every save
	@infra/local/bootstrap dev
	@PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX=$(LOCAL)/pycache TESTMON_DATAFILE=$(LOCAL)/testmon \
	  $(DEV)/pytest -q -n 2 --testmon -o addopts="--import-mode=importlib --strict-markers" -o cache_dir=$(LOCAL)/pytest tests/unit tests/contract

lint: dev ## Lint and format check
	@$(DEV)/ruff check --no-cache .
	@$(DEV)/ruff format --no-cache --check .

types: dev ## mypy, strict
	@$(DEV)/mypy

imports: dev ## The rooms' import rules
	@$(DEV)/lint-imports --no-cache

template: sam ## cfn-lint and sam validate
	@$(SAM)/cfn-lint template.yaml
	@$(SAM)/sam validate --lint

# The tests are compiled once, and not by every worker.
collected: dev
	@$(DEV)/pytest --collect-only -qq > $(LOCAL)/collected || { tail -n 40 $(LOCAL)/collected; false; }

built: stack sam
	@$(STACK)/python -m infra.local build

uv:
	@infra/local/bootstrap uv

dev stack sam oracle: uv
	@infra/local/bootstrap $@

unit: ## The tests that need no stack
	@infra/local/bootstrap dev oracle
	@HYPOTHESIS_PROFILE=commit $(DEV)/pytest -m "not system" --ignore tests/system

SEEDS ?= 100000
simulate: ## Many more seeded days of trouble than make test runs: make simulate SEEDS=100000
	@infra/local/bootstrap dev
	@$(DEV)/python -m tests.simulation --days $(SEEDS)

chaos: built ## 500 alerts and orders on a local stack of their own, workers killed, the broker in chaos; ends with a ledger
	@infra/local/bootstrap dev
	@$(DEV)/python -m tests.chaos

brokers: built ## Every broker against its simulator, through a local stack of their own: login to funds, one table
	@infra/local/bootstrap dev
	@$(DEV)/python -m tests.brokers

drill: built ## What goes wrong at a desk, on a local stack of its own: a broker down, a queue, a session, the kill switch
	@infra/local/bootstrap dev
	@$(DEV)/python -m tests.drill

burst: built ## 200 alerts in one second to one account, on a local stack of their own; ends with a ledger
	@infra/local/bootstrap dev
	@$(DEV)/python -m tests.burst

# The long proofs, some hours on two processors; tests/README.md records their last results. Each part runs by itself too.
prove: $(PROOFS) ## Everything that make test proves, many times over

prove-simulation:
	@infra/local/bootstrap dev
	@$(DEV)/python -m tests.simulation --days 1450000 --replays 1000 --orders 100000 --keep .local/proof

prove-search:
	@infra/local/bootstrap dev
	@SEARCH_LONG=1 $(DEV)/pytest -n 2 -rA tests/faults/search -k wider

prove-sockets:
	@infra/local/bootstrap dev
	@CHAOS_SEEDS=50 $(DEV)/pytest -n 2 tests/faults/test_chaos_broker.py

prove-race: built
	@infra/local/bootstrap dev
	@CLAIM_RACE_INTENTS=10000 $(DEV)/pytest tests/system/test_claim_race.py

prove-processes: built
	@infra/local/bootstrap dev
	@ROUTER_FAULTED_RUNS=20 $(DEV)/pytest -s tests/system/test_process_faults.py

prove-api:
	@infra/local/bootstrap dev
	@MACHINE_EXAMPLES=10000 $(DEV)/pytest tests/simulation/test_api_machine.py -k sequence

prove-sweeps:
	@infra/local/bootstrap dev
	@SWEEPS=whole $(DEV)/pytest -n 2 --dist worksteal tests/faults/test_crash_sweep.py tests/faults/test_postback_sweep.py \
	  tests/faults/test_switch_sweep.py tests/faults/test_login_faults.py tests/contract/test_brokers.py

prove-mutants:
	@infra/local/bootstrap dev
	@SWEEPS=whole $(DEV)/pytest tests/mutants/test_by_hand.py
	@$(DEV)/python -m tests.mutants

prove-properties:
	@infra/local/bootstrap dev
	@HYPOTHESIS_PROFILE=prove $(DEV)/pytest -n 2 tests/unit tests/contract

calendar: ## Ask the library for holidays anew, and write the trading calendar
	@infra/local/bootstrap calendar
	@$(ENV)/calendar/bin/python -m infra.calendar refresh

bench: built ## Measure the router's own overhead, AWS calls, cold start and layer sizes
	@infra/local/bootstrap dev
	@$(DEV)/python -m tests.bench

build: sam ## sam build for AWS (arm64), into .aws-sam
	@PATH="$(CURDIR)/$(ENV)/uv/bin:$(CURDIR)/$(ENV)/sam/bin:$$PATH" $(SAM)/sam build

requirements: sam ## Pin the newest versions, with hashes
	@infra/compile-requirements

clean: down ## Stop the stack and delete its state and everything built; environments stay
	@rm -rf $(LOCAL)/state $(LOCAL)/build $(LOCAL)/tmp $(LOCAL)/*.json $(LOCAL)/*.log .aws-sam
	@find . -name __pycache__ -not -path './$(LOCAL)/*' -prune -exec rm -rf {} +
