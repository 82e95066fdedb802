TARGET := wasm32-unknown-unknown
# The version of wasm-bindgen in Cargo.lock, of which the tools are compiled anew when it changes.
WASM_BINDGEN := $(shell sed -n '/^name = "wasm-bindgen"$$/{n;s/.*"\(.*\)"/\1/p;}' Cargo.lock)

NODE_MODULES := node_modules/.package-lock.json
TOOLS := .tools/wasm-bindgen-$(WASM_BINDGEN)
# Stands for the migrations that the local database has had.
MIGRATED := .wrangler/state/migrated

# The npm package `node` comes first: wrangler needs a newer Node.js than many machines have.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# For `make test-browser`, which neither brings nor downloads one.
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
# Nothing here needs a network but the package registries'.
export CLOUDFLARE_CF_FETCH_ENABLED := false
export WRANGLER_SEND_METRICS := false

# What the operator's targets are given on the command line. It goes to their scripts by the environment, as it is: neither
# make nor a shell looks into it. TOKEN comes by the environment alone, since everybody on the machine sees command lines.
ifneq ($(filter deploy admin invite unlock import backup,$(MAKECMDGOALS)),)
given = $(if $(filter command,$(origin $1)),$(value $1))
override EMAIL := $(call given,EMAIL)
override NAME := $(call given,NAME)
override ROLE := $(call given,ROLE)
override FILE := $(call given,FILE)
override URL := $(call given,URL)
override LOCAL := $(call given,LOCAL)
override REMOTE := $(call given,REMOTE)
override YES := $(call given,YES)
export EMAIL NAME ROLE FILE URL LOCAL REMOTE YES
endif

.PHONY: users-sql help dev build test test-browser test-nginx chromium lint size bench keys deploy admin invite unlock import backup clean prerequisites

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile

dev: build $(MIGRATED) .dev.vars ## serve on http://localhost:8787, with a local database
	@node scripts/dev.mjs -c wrangler.toml -c examples/bookstore/wrangler.toml

build: $(NODE_MODULES) $(TOOLS) ## build the Worker into build/
	@test -d build || echo 'Compiling the Worker, about a minute the first time.'
	node scripts/build.mjs

test: $(NODE_MODULES) $(TOOLS) ## run all tests, or the HTTP tests with a text in their names: make test ONE=name
ifdef ONE
	@$(MAKE) --no-print-directory build
	node scripts/test-http.mjs '$(ONE)'
else
	cargo test --locked --package edge-auth-core --package edge-auth --package users-sql
	@$(MAKE) --no-print-directory build
	cargo test --locked --target $(TARGET) --test vectors
	node scripts/test-http.mjs
	node --test --test-concurrency=2 'tests/scripts/*.test.mjs'
endif

test-browser: chromium build ## run the tests in a browser; needs Chromium
	CHROMIUM='$(CHROMIUM)' node --test --test-timeout=120000 tests/browser/*.test.mjs

test-nginx: build ## run the nginx configuration of docs/reverse-proxies.md, where nginx is installed
	node tests/nginx/run.mjs

lint: prerequisites ## check format and run clippy
	cargo fmt --all --check
	cargo clippy --locked --package edge-auth-core --package edge-auth --package users-sql --all-targets -- -D warnings
	cargo clippy --locked --all-targets --target $(TARGET) -- -D warnings

size: build ## print what a deployment uploads, compressed
	@for file in build/index_bg.wasm build/index.js; do \
		printf '%s\t%s bytes gzipped\n' $$file "$$(gzip -9 -c $$file | wc -c | tr -d ' ')"; \
	done

bench: build ## measure the CPU time of requests, ours and the same in JavaScript; scripts/bench.mjs says how to run a part
	node scripts/bench.mjs

keys: ## make a key for access tokens: make keys ALG=EdDSA, or HS256, ES256
	@node scripts/keys.mjs '$(ALG)'

deploy: build ## deploy, asking for what is missing; YES=1 takes the defaults
	@node scripts/deploy.mjs

admin: $(NODE_MODULES) ## make an account an admin: make admin EMAIL=ann@example.com, in production with REMOTE=1; YES=1 does not ask
	@node scripts/admin.mjs

invite: $(NODE_MODULES) ## print a link to a new account, an admin's unless ROLE=… says otherwise: make invite EMAIL=ann@example.com, or with REMOTE=1
	@node scripts/invite.mjs

unlock: $(NODE_MODULES) ## open an account that failed sign-ins have closed: make unlock EMAIL=ann@example.com, or with REMOTE=1
	@node scripts/unlock.mjs

import: $(NODE_MODULES) ## import accounts: make import FILE=users.ndjson URL=https://auth.example.com
	@node scripts/import.mjs

users-sql: ## write accounts with their ids as SQL: make --silent users-sql < users.ndjson > users.sql
	@cargo run --locked --quiet --package users-sql

backup: $(NODE_MODULES) ## export the production database into backups/, with LOCAL=1 the local one
	@node scripts/backup.mjs

clean: ## remove what was built; data, secrets and tools stay
	rm -rf build target

chromium:
	@test -n '$(CHROMIUM)' || { echo 'Chromium is missing. To install it: sudo apt-get install chromium' >&2; false; }

prerequisites:
	@scripts/prerequisites.sh $(TARGET)

$(NODE_MODULES): package.json package-lock.json | prerequisites
	@echo 'Installing npm packages into node_modules/, about half a minute.'
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(TOOLS): | prerequisites
	@echo 'Compiling wasm-bindgen into .tools/, about a minute.'
	cargo install --locked --quiet --profile tools --path tools --root .tools
	@rm -f .tools/wasm-bindgen-*
	@touch $@

# Without a terminal wrangler does not ask.
$(MIGRATED): $(wildcard migrations/*.sql) wrangler.toml $(NODE_MODULES)
	@echo 'Applying new migrations to the local database.'
	wrangler d1 migrations apply DB --local < /dev/null
	@touch $@

.dev.vars: | prerequisites
	@node -e 'fs.writeFileSync(".dev.vars", `JWT_SECRET=$${crypto.randomBytes(32).toString("base64url")}\nPUBLIC_URL=http://localhost:8787\nMAIL=cloudflare\nMAIL_FROM=no-reply@example.com\n`, { flag: "wx", mode: 0o600 })'
	@echo 'Created .dev.vars with a random JWT_SECRET and mails that stay on this machine.'
