"""The append-only log: bytes, rows and frames. It knows no kind; docs/log_format.md is its contract."""
