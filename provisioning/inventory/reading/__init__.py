"""From TOML to tables, and every mistake with its line."""
