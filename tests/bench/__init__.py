"""Benchmarks: Homeport beside ssh, a script and another tool, side by side in one run."""
