# Two commands do everything: `make run` and `make test`. `make help` lists the rest.

.PHONY: run test bench check help

run: ## Build what is missing and start the server at http://localhost:9000
	@./scripts/need.sh cargo cc cmake
	cargo run --quiet --package vestibule-server --bin vestibule -- serve $(ARGS)

test: ## Run every test, on SQLite and on PostgreSQL, and in a browser
	@./scripts/test.sh

bench: ## Measure logins, first challenges, memory and start-up of a release build
	@./scripts/bench.sh

check: ## Format, lints and tests, as continuous integration does it
	@./.ci/run

help: ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16
