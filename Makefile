# The commands of this repository. `make help` lists them; the README says when to use which.
#
# Tools that are not there are built or installed by the targets that need them, into
# $XDG_CACHE_HOME/omotes-operator, by version. What only the system can give (Rust, Go, a Debian or Ubuntu, root) is
# checked first and named with the command that installs it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CACHE := $(or $(OMOTES_TESTBED_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/omotes-operator)
BUILT := $(or $(CARGO_TARGET_DIR),target)
HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
VENV := target/venv
SDK_VENV := target/sdk-venv
TESTBED := tests/testbed/testbed
TIMED := tests/timed
# The test bed of this machine, or within `tests/testbed/apart` that one.
BED := target/testbed$(addprefix -,$(OMOTES_TESTBED_APART))
BESIDE := second
# The version from which users upgrade.
RELEASED := 3527ffc
# How the operator is compiled. `dev` takes a fraction of the time, for a first look: `make demo` uses it where nothing is
# built yet.
OPERATOR_PROFILE ?= release
# How many tests talk to the one node at once.
TEST_THREADS ?= 8
# Each test's time. libtest prints it only where it may use what is unstable, so it alone runs with that allowed: a
# build with it would be another build.
TIMES := -Zunstable-options --report-time
# From which the random inputs of tests are drawn: what is red is so because of a change, and is red again. `cargo test` and
# `make histories` draw others each time.
HISTORIES ?= 1
# How much may go wrong in one history that `make search` visits: deaths of the operator, slips of a step, wishes of a user, harms
# of the cluster, lags of a watch, all of these together, and stops of time just before an instant, one digit each.
SEARCH ?= 1110030
# The tests of simulated and model worlds: minutes of computing, and no real time.
SIMULATION := convergence:: search:: simulation::
# The tests that want a test bed for themselves, and in which parts they run on two at once.
DISRUPTION ?= disruption:: cases::exclusive::
FIRST := cases::exclusive:: disruption::leaving::
SECOND := disruption:: $(addprefix --skip ,$(filter disruption::%,$(FIRST)))
# What a failed assertion says is enough, and is not buried by where it was said.
export RUST_BACKTRACE = 0
export CARGO_TARGET_$(shell echo '$(HOST)' | tr a-z- A-Z_)_RUNNER := env RUSTC_BOOTSTRAP=1

.PHONY: help
help: ## Lists the targets.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 24

.PHONY: demo
demo: ## From nothing to a result: test bed, operator, a real job with live progress, its checked result.
	@OPERATOR_PROFILE=$(if $(wildcard $(BUILT)/$(HOST)/release/omotes-operator),release,dev) examples/demo

.PHONY: test
test: ## Everything that must hold: half an hour on two cores, twenty minutes more where nothing is built yet.
	@$(TIMED) "reruns" tests/rerun-test
	@$(TIMED) "build of the tests" cargo test --quiet --locked --lib --bins --tests --no-run
	@$(TIMED) "unit tests" $(MAKE) --no-print-directory test-short
	@$(TIMED) "test bed" $(MAKE) --no-print-directory up
	@$(TIMED) "test bed's orphans" tests/testbed/orphans-test
	@$(TIMED) "test bed's neighbours" tests/testbed/apart-test
	@$(TIMED) "released version" $(MAKE) --no-print-directory released
	@tests/side-by-side test-on-bed test-second test-beside
	@$(TIMED) "rights that are used" $(MAKE) --no-print-directory test-rights
	@$(TIMED) "demo" $(MAKE) --no-print-directory demo
	@$(TIMED) --report

# What needs a test bed, in two parts that take about as long: a third would find no processor that is idle.
.PHONY: test-on-bed
test-on-bed:
	@$(TIMED) "cluster tests" $(MAKE) --no-print-directory test-cluster
	@$(TIMED) "OMOTES SDK" $(MAKE) --no-print-directory test-sdk
	@$(TIMED) "disruption, first test bed" $(MAKE) --no-print-directory test-disruption DISRUPTION="$(FIRST)"
	@$(TIMED) "upgrade and rollback" $(MAKE) --no-print-directory test-upgrade

.PHONY: test-second
test-second:
	@tests/testbed/apart $(BESIDE) bash -euc ' \
	  $(TIMED) "second test bed" $(MAKE) --no-print-directory operator; \
	  $(TIMED) "disruption, second test bed" $(MAKE) --no-print-directory test-disruption DISRUPTION="$(SECOND)"'

# What needs no test bed takes the processors that the two leave over.
.PHONY: test-beside
test-beside:
	@$(TIMED) "chart on an apiserver" $(MAKE) --no-print-directory test-chart
	@$(TIMED) "examples" $(MAKE) --no-print-directory test-examples
	@$(TIMED) "worker adapter" $(MAKE) --no-print-directory test-runner
	@nice -n 19 $(TIMED) "simulation and search" $(MAKE) --no-print-directory test-simulation

.PHONY: test-unit
test-unit: ## The tests that need nothing but this checkout and Rust: six minutes.
	@$(MAKE) --no-print-directory test-short
	@$(MAKE) --no-print-directory test-simulation

.PHONY: test-short
test-short:
	@PROPTEST_RNG_SEED=$(HISTORIES) cargo test --locked --lib --bins --tests -- $(TIMES) $(SIMULATION:%=--skip %)

.PHONY: test-simulation
test-simulation:
	@PROPTEST_RNG_SEED=$(HISTORIES) cargo test --locked --test it -- $(TIMES) $(SIMULATION)

.PHONY: histories
histories: ## Forty thousand histories of a job that no run had before, in the model world: ten minutes. Not part of `make test`.
	@PROPTEST_CASES=40000 cargo test --locked --test it -- $(TIMES) convergence::any_history_ends_well

.PHONY: search
search: ## All histories of a job within bounds that are wider than those of `make test-unit`, in the model world: 916,000 states of a plain job in five minutes, after its build. Not part of `make test`.
	@OMOTES_SEARCH=$(SEARCH) cargo test --release --locked --test it -- $(TIMES) --nocapture search::a_plain

.PHONY: simulate
simulate: ## A whole simulated cluster in which two things go wrong, in every order: over an hour. Not part of `make test`, which lets one go wrong.
	@cargo test --release --locked --test it -- $(TIMES) --nocapture --ignored simulation::nightly::

.PHONY: mutations
mutations: ## Puts one deliberate fault after the other into the operator: a test has to find each. Half an hour. Not part of `make test`.
	@tests/mutations/run

.PHONY: test-examples
test-examples: $(VENV)/ready ## The examples' own tests.
	@$(VENV)/bin/python -m pytest --quiet examples

.PHONY: test-runner
test-runner: $(VENV)/ready ## The worker adapter's own tests.
	@$(VENV)/bin/python -m pytest --quiet runner

.PHONY: test-sdk
test-sdk: $(SDK_VENV)/ready ## The unmodified OMOTES SDK against the test bed; needs `make up`.
	@. $(BED)/env && $(SDK_VENV)/bin/python -m pytest tests/sdk --gateway -m "not alone" --numprocesses 4 --verbose
	@. $(BED)/env && $(SDK_VENV)/bin/python -m pytest tests/sdk --gateway -m alone --verbose

.PHONY: sdk-demo
sdk-demo: up $(SDK_VENV)/ready ## A client on the unmodified OMOTES SDK: submits the heat network, shows progress, checks the result.
	@mkdir -p target/demo
	@. $(BED)/env && kubectl apply --namespace "$$OMOTES_JOB_NAMESPACE" --filename examples/heat-network/workflow.yaml && \
	  $(SDK_VENV)/bin/python examples/client/sdk.py heat_network_year examples/heat-network/network.esdl \
	    --parameter minimum_seconds=20 --output target/demo/sdk-output.esdl

.PHONY: test-chart
test-chart: ## The chart against an apiserver of its own.
	@PATH="$$($(TESTBED) tools kubernetes etcd helm):$$PATH" tests/chart/install

.PHONY: test-cluster
test-cluster: ## The tests on the test bed that can run side by side; needs `make up`.
	@. $(BED)/env && cargo test --locked --lib -- $(TIMES) --ignored
	@. $(BED)/env && tests/rerun $(TIMES) --ignored --skip simulation::nightly:: --skip disruption:: --skip cases::exclusive:: --skip rights:: --skip deadlines:: --skip rates:: --skip bursts:: --test-threads $(TEST_THREADS)

.PHONY: test-disruption
test-disruption: ## The tests on the test bed that kill leaders and restart the broker: half an hour; needs `make up`.
	@. $(BED)/env && tests/rerun $(TIMES) --ignored $(DISRUPTION) --skip result_delay --skip cases::exclusive::upgrade:: --test-threads 1 --nocapture

.PHONY: test-upgrade
test-upgrade: released ## From the released version to this one and back, with jobs in every phase; needs `make up`. The first time it builds that version.
	@if ! git rev-parse --verify --quiet '$(RELEASED)^{commit}' > /dev/null; then \
	  echo "SKIPPED: this clone has no commit $(RELEASED), and cannot fetch it"; exit 0; \
	fi; \
	. $(BED)/env && released=$$(tests/testbed/released-operator $(RELEASED)) && \
	  export OMOTES_RELEASED_TREE=$${released% *} OMOTES_RELEASED_IMAGE=$${released#* } && \
	  cargo test --locked --test it -- $(TIMES) --ignored cases::exclusive::upgrade:: --nocapture

# The version from which users upgrade, built and brought to the test bed.
.PHONY: released
released:
	@git rev-parse --verify --quiet '$(RELEASED)^{commit}' > /dev/null || git fetch --quiet --unshallow || exit 0; \
	  . $(BED)/env && tests/testbed/released-operator $(RELEASED) > /dev/null

.PHONY: test-rights
test-rights: ## Whether the operator used every right that its chart grants, by the audit log of all tests before; needs `make up`.
	@. $(BED)/env && OMOTES_OTHER_AUDIT_LOG=$(BED)-$(BESIDE)/logs/audit.log cargo test --locked --test it -- $(TIMES) --ignored rights::

.PHONY: test-deadlines
test-deadlines: ## A thousand deadlines in one minute, and how late each is: five minutes; needs `make up`. Not part of `make test`.
	@. $(BED)/env && cargo test --locked --test it -- $(TIMES) --ignored deadlines:: --nocapture

.PHONY: bench-results
bench-results: ## How soon after its program's end a client has the result, of 30 jobs and 30 more in warm pods: five minutes; needs `make up`. Not part of `make test`.
	@. $(BED)/env && cargo test --locked --test it -- $(TIMES) --ignored result_delay:: --test-threads 1 --nocapture

.PHONY: bench-queues
bench-queues: ## Ten thousand jobs' queues, made and removed, beside a bare loop; needs `make up`. Not part of `make test`.
	@. $(BED)/env && cargo test --locked --test it -- $(TIMES) --ignored rates:: --nocapture

.PHONY: bench-starts
bench-starts: ## How soon jobs run and how fast 500 short ones go, beside bare pods: twenty minutes; needs `make up`. Not part of `make test`.
	@. $(BED)/env && cargo test --locked --test it -- $(TIMES) --ignored bursts:: --nocapture

.PHONY: test-broker-versions
test-broker-versions: ## The cluster tests with the oldest and the newest RabbitMQ. Not part of `make test`.
	@trap '$(MAKE) --no-print-directory down' EXIT; \
	for suite in bookworm sid; do \
	  $(MAKE) --no-print-directory down; \
	  export OMOTES_RABBITMQ_SUITE=$$suite; \
	  $(TIMED) "test bed, $$suite" $(MAKE) --no-print-directory up; \
	  $(TESTBED) broker cli version; \
	  $(TIMED) "cluster tests, $$suite" $(MAKE) --no-print-directory test-cluster; \
	  $(TIMED) "OMOTES SDK, $$suite" $(MAKE) --no-print-directory test-sdk; \
	done

.PHONY: up
up: check ## Brings the test bed up with the operator installed, and leaves it running.
	@$(MAKE) --no-print-directory --jobs 2 image parts
	@$(MAKE) --no-print-directory operator
	@examples/heat-network/workload/fetch-packages.sh
	@$(TESTBED) image build localhost/heat-network:1 examples/heat-network/workload --build-arg BASE=localhost/debian-python:bookworm
	@echo "The test bed is up. In your shell: . $(BED)/env"

# What the test bed needs and the cache does not have.
.PHONY: parts
parts:
	@$(TESTBED) parts

# The test bed with the operator that was built last.
.PHONY: operator
operator:
	@$(TESTBED) up
	@. $(BED)/env && IMAGE=$$(tests/testbed/operator-image) && export IMAGE && unset OMOTES_BROKER_CA && tests/testbed/install-operator

.PHONY: down
down: ## Stops the test bed; `make up` goes on where it stopped.
	@$(TESTBED) down

.PHONY: check
check:
	@$(TESTBED) check

.PHONY: lint
lint: ## Formatting, clippy, documentation, dependencies, the chart and the shell scripts.
	@$(TIMED) "cargo fmt" cargo fmt --check
	@$(TIMED) "cargo clippy" cargo clippy --locked --all-targets -- -D warnings
	@$(TIMED) "cargo clippy, without what tests use" cargo clippy --locked -- -D warnings
	@$(TIMED) "cargo doc" env RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --document-private-items --locked
	@$(TIMED) "cargo deny, cargo machete" tests/lint-dependencies
	@$(TIMED) "chart" bash -c 'PATH="$$($(TESTBED) tools helm kubeconform kube-score):$$PATH" tests/chart/lint'

.PHONY: releasable
releasable: ## Whether a release may be made of what passed `make lint test`: no test is known to be flaky.
	@if [[ -s tests/flaky.txt ]]; then echo "These tests failed once and passed when they ran again. Mend what makes them flaky first:"; cat tests/flaky.txt; exit 1; fi

.PHONY: crds
crds: ## Writes the generated CustomResourceDefinitions.
	@cargo run --quiet --locked -- crd > target/crds.yaml
	@for folder in crds charts/omotes-operator/files/crds; do \
	  mkdir -p "$$folder"; \
	  awk -v to="$$folder/omotes.io_omotes" '/^---$$/ {n++; next} {print > (to (n ? "workflows" : "jobs") ".yaml")}' target/crds.yaml; \
	done

.PHONY: image
image: ## Builds the static binary and lays out what the Dockerfile copies, in target/image.
	@cargo build --locked --profile $(OPERATOR_PROFILE)
	@install -D --strip $(BUILT)/$(HOST)/$(OPERATOR_PROFILE:dev=debug)/omotes-operator target/image/omotes-operator
	@install -D -m 644 /etc/ssl/certs/ca-certificates.crt target/image/ca-certificates.crt

$(VENV)/ready: examples/requirements-dev.txt
	@python3 -m venv --clear $(VENV)
	@$(VENV)/bin/pip install --quiet --requirement examples/requirements-dev.txt
	@touch $@

$(SDK_VENV)/ready: tests/sdk/requirements.txt examples/client/sdk-requirements.txt
	@python3 -m venv --clear $(SDK_VENV)
	@$(SDK_VENV)/bin/pip install --quiet --requirement tests/sdk/requirements.txt
	@touch $@
