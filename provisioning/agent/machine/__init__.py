"""The machine that the agent runs on: files, programs, units, accounts."""
