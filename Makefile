# Every target first brings what it needs: see Scripts/setup.

.PHONY: demo test check build setup lint tidy fixtures bench bench-judge fuzz

demo: build            ## a bad model is caught, live, in under two minutes
	.build/release/belay demo

build: setup           ## the release binary, .build/release/belay
	swift build -c release --product belay --static-swift-stdlib

test: tidy             ## house rules, then every test
	swift build --build-tests
	swift test --skip-build --disable-xctest

check: lint test       ## what a change must pass: format lint, house rules, build, tests

lint: setup
	swift format lint --strict --recursive Sources Tests Package.swift Scripts/HouseRules

tidy: setup
	Scripts/tidy --self-test
	Scripts/tidy

setup:
	@Scripts/setup

fixtures:              ## rebuilds the example and test models (needs Python 3.11 or newer)
	Scripts/fixtures

bench: build           ## Belay beside its peers, one table; ARGUMENTS="--only switches" and the like
	@python3 Benchmarks/bench.py $(ARGUMENTS)

bench-judge: setup     ## the judge's simulations beside the published figures; ARGUMENTS="--runs 500"
	swift build -c release --product belay-bench-judge
	@.build/release/belay-bench-judge $(ARGUMENTS)

fuzz: setup            ## libFuzzer over every reader of untrusted bytes; SECONDS=3600 for an hour each
	Scripts/fuzz $(or $(SECONDS),60)
