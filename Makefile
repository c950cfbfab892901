# Two commands do everything: `make run` and `make test`. `make help` lists the rest.

.PHONY: run web test bench bench-lists bench-timing bench-paint bench-crash fuzz check help

run: ## Build what is missing and start the server at http://localhost:9000
	@./scripts/need.sh cargo cc cmake
	@./scripts/web.sh || true
	cargo run --quiet --package vestibule-server --bin vestibule -- serve $(ARGS)

web: ## Bundle the API reference and the administration, which the binary embeds, if they are out of date
	@./scripts/web.sh

test: ## Run every test, on SQLite and on PostgreSQL, in a browser, and other people's clients
	@./scripts/test.sh

bench: ## Measure logins, first challenges, memory, start-up, policies and lists of a release build
	@./scripts/bench.sh speed $(ARGS)
	@./scripts/bench.sh oauth $(ARGS)
	@./scripts/bench.sh policies
	@./scripts/bench.sh lists
	@./scripts/bench.sh lists --postgres

bench-lists: ## Measure what a page of a list costs among 100,000 users
	@./scripts/bench.sh lists $(ARGS)

bench-timing: ## Test whether the time of a refusal tells who exists
	@./scripts/bench.sh timing $(ARGS)

bench-paint: ## Measure how soon a browser on a slow connection shows a list
	@./scripts/bench.sh paint $(ARGS)

bench-crash: ## Kill the server under load, 20 times: nothing that was answered may be lost
	@./scripts/bench.sh crash $(ARGS)

fuzz: ## Run the fuzz targets longer than the tests do: make fuzz ARGS=600, in seconds each
	@./scripts/fuzz.sh $(ARGS)

check: ## Format, lints and tests, as continuous integration does it
	@./.ci/run

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22
