# avatarctl: one static binary. `make demo` shows it at work, `make test` proves it.

TARGET  := x86_64-unknown-linux-musl
BUILDS  := $(abspath $(or $(CARGO_TARGET_DIR),target))
BINARY  := $(BUILDS)/$(TARGET)/release/avatarctl
# What is released: a static binary for each of these, made on x86_64 with Debian's cross compiler for the second.
TARGETS := $(TARGET) aarch64-unknown-linux-musl
BINARIES := $(TARGETS:%=$(BUILDS)/%/release/avatarctl)
SANDBOX := $(BUILDS)/debug/examples/sandbox
DEMO    := $(BUILDS)/demo
PLAY    := $(BUILDS)/play
PREFIX  ?= /usr/local
DESTDIR ?=

.PHONY: demo sandbox pictures test static dist verify-dist deb image reproducible machines recipes \
    install bench conformance fuzz soak clean $(SANDBOX) \
    $(BINARIES)

demo: $(BINARY) $(SANDBOX)
	rm -rf $(DEMO) && mkdir -p $(DEMO)
	$(SANDBOX) --pictures $(DEMO)
	AVATARCTL=$(BINARY) DEMO=$(DEMO) $(SANDBOX) --page $(DEMO)/page.html -- sh tests/demo.sh
	@printf '\nLook at the pictures in a browser: file://%s\n' "$(DEMO)/page.html"
	@printf 'and at the page that apply made:   file://%s\n' "$(DEMO)/avatars.html"
	@printf 'To set some yourself: make sandbox SH=bash\n'

# Serves until Ctrl-C and prints what to paste into another shell; with SH=bash it opens a shell that has all of that.
ifdef SH
sandbox: $(SANDBOX) $(BINARY)
	rm -rf $(PLAY) && $(SANDBOX) --pictures $(PLAY)
	cd $(PLAY) && PATH="$(dir $(BINARY)):$$PATH" $(SANDBOX) -- sh $(CURDIR)/tests/readme/play.sh $(SH) || true
else
sandbox: $(SANDBOX)
	$(SANDBOX)
endif

test:
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	sh tests/all.sh

# Those of the README, of a session in a terminal and of the page that the demo made (with python3, chromium, pngquant).
pictures: demo
	rm -rf $(PLAY) && $(SANDBOX) --pictures $(PLAY) >/dev/null
	cd $(PLAY) && AVATARCTL=$(BINARY) $(SANDBOX) -- sh $(CURDIR)/tests/readme/play.sh \
	    python3 $(CURDIR)/tests/readme/pictures.py $(DEMO)/avatars.html

# What others wrote agrees: parsers of forms, validators, clients, readers of pictures, curl. Ends with a table.
conformance:
	sh tests/conformance/run.sh

# Coverage-guided, from the corpora that `make test` runs through: SECONDS_EACH for each target, TARGET=... for one.
SECONDS_EACH ?= 600
fuzz: export SECONDS_EACH := $(SECONDS_EACH)
fuzz:
	TARGET=$(if $(findstring command,$(origin TARGET)),$(TARGET)) sh tests/fuzz/run.sh

# Runs of apply while everything goes wrong, for some minutes; ROUNDS=10000 for a night, SEED=... for others.
ROUNDS ?= 1200
SEED   ?= 1
soak:
	SOAK_ROUNDS=$(ROUNDS) SOAK_SEED=$(SEED) cargo test --locked --test blackbox soak:: -- --nocapture

# Figures, no judgement: beside curl and others, on the same work; ROWS=tls or so measures a part.
bench: $(BINARY) $(SANDBOX)
	cargo build --locked --release --example limit
	AVATARCTL=$(BINARY) SANDBOX=$(SANDBOX) LIMIT=$(BUILDS)/release/examples/limit sh tests/bench.sh $(ROWS)

static: $(BINARY)

# What makes the shipped binary smaller is asked for here and nowhere else, so that every other build of the same target
# is a plain one: no unwinder (src/unwind.rs), no tables for it, relative relocations in their packed form, and one copy of
# functions that are alike, which the linker that comes with Rust can find. Together they save a quarter: 2.91 MB become
# 2.19 MB.
LLD      = $(wildcard $(shell rustc --print sysroot)/lib/rustlib/*/bin/gcc-ld)
comma   := ,
SMALLER  = --cfg no_unwinder -C link-arg=-Wl,-T,$(CURDIR)/.cargo/static.ld -C link-arg=-Wl,-z,pack-relative-relocs \
    $(if $(LLD),-C link-arg=-B$(firstword $(LLD)) -C link-arg=-fuse-ld=lld -C link-arg=-Wl$(comma)--icf=all)
# Where it is built does not show: panics of other crates name their source files.
CRATES  := $(or $(CARGO_HOME),$(HOME)/.cargo)
WHERE   := --remap-path-prefix=$(CURDIR)=. --remap-path-prefix=$(CRATES)=cargo

$(BINARIES): $(BUILDS)/%/release/avatarctl:
	@rustup target list --installed 2>/dev/null | grep -qx $* || rustup target add $*
	CARGO_TARGET_$(shell echo $* | tr a-z- A-Z_)_RUSTFLAGS="$(SMALLER) $(WHERE)" \
	    cargo build --locked --release --target $*

$(SANDBOX):
	cargo build --locked --example sandbox

# What is released, in $(DIST): dated by the commit, so that two builds of it are the same.
DIST    := $(BUILDS)/dist
VERSION := $(shell sed -n '/^version/{s/.*"\(.*\)"/\1/p;q}' Cargo.toml)
dist deb image machines: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
SUMS    = cd $(DIST) && rm -f SHA256SUMS && sha256sum -- * > ../sums && mv ../sums SHA256SUMS
# What makes the SBOM. With BOM=none there is none, where it cannot be had.
BOM     ?= $(BUILDS)/tools/bin/cargo-cyclonedx

verify-dist reproducible: export BOM := $(BOM)

dist: $(BINARIES) $(filter-out none,$(BOM))
	rm -rf $(DIST) && mkdir -p $(DIST)
	sh tests/release/tarballs.sh $(DIST) $(BUILDS) $(VERSION) $(TARGETS)
	test $(BOM) = none || sh tests/release/sbom.sh $(DIST)/avatarctl-$(VERSION).cdx.json $(BOM)
	$(SUMS)

verify-dist:
	sh tests/release/verify.sh $(DIST) $(VERSION) $(TARGETS)

deb: $(BINARIES)
	mkdir -p $(DIST)
	sh tests/release/deb.sh $(DIST) $(BUILDS) $(VERSION) $(TARGETS)
	$(SUMS)

image: $(BINARIES)
	mkdir -p $(DIST)
	sh tests/release/image.sh $(DIST) $(BUILDS) $(VERSION) $(TARGETS)
	$(SUMS)

# Whether two builds in two folders are the same; whether packages and image do what they should on machines that nobody
# has touched (as root); whether the engines understand the recipes.
reproducible:
	sh tests/release/reproducible.sh $(DIST)

machines: $(SANDBOX)
	sh tests/release/machines.sh run $(BUILDS) $(DIST) $(VERSION) $(SANDBOX)

recipes: $(BINARY) $(SANDBOX)
	sh tests/recipes.sh $(BUILDS) $(BINARY) $(SANDBOX)

$(BUILDS)/tools/bin/cargo-cyclonedx:
	cargo install --quiet --locked --root $(BUILDS)/tools --target-dir $(BUILDS)/tools/build cargo-cyclonedx@0.5.9
	rm -rf $(BUILDS)/tools/build

# Builds nothing: whoever may write there, root perhaps, need not have cargo.
SHARE = $(DESTDIR)$(PREFIX)/share
install:
	@test -x $(BINARY) || { echo 'make install: there is no $(BINARY); run make static first' >&2; exit 1; }
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/avatarctl
	mkdir -p $(SHARE)/man/man1 $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions \
	    $(SHARE)/fish/vendor_completions.d
	$(BINARY) man > $(SHARE)/man/man1/avatarctl.1
	$(BINARY) completions bash > $(SHARE)/bash-completion/completions/avatarctl
	$(BINARY) completions zsh > $(SHARE)/zsh/site-functions/_avatarctl
	$(BINARY) completions fish > $(SHARE)/fish/vendor_completions.d/avatarctl.fish

clean:
	cargo clean
