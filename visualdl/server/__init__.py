"""The board's server: routes (app), answers (api), hints (live), bytes (wire) and who may ask (guard)."""
