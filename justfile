# Every recipe is one line; the work is in `cargo xtask`.

# Provoke every cause under a real Envoy and report
demo:
    cargo xtask demo

# Run every test
test:
    cargo xtask test

# Check format and lints
lint:
    cargo xtask lint

# Measure
bench:
    cargo xtask bench
