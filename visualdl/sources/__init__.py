"""Where series come from: one module an origin, strangers to each other, each a `match` and an `open`."""
