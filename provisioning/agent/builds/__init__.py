"""Building virtualenvs. Packages run their own code in a build, so no build is trusted.

installation.py  the steps that install what a lock file names
inside.py        the program within the build's sandbox: carries out the steps
proxy.py         the program outside: the only way from there to the package index
sandbox.py       what the build may do
index.py         which hosts it may reach
build.py         starts all of it, waits, and ends it whole
hints.py         what to do about a build that failed
takeover.py      copies what was built, checked, to where root keeps it
"""
