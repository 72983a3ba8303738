"""Where a report goes: a terminal, a pipe, a program."""
