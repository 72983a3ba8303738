"""`fab check --grid`: every app server behind every web server, on both Debians, on real hosts."""
