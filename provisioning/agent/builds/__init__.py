"""Builds of virtualenvs, images and an app's code. They run the code of others: none is trusted.

build.py         starts a build in its sandbox, waits, and ends it whole
sandbox.py       what it may do
inside.py        the program within the sandbox: carries out the steps
door.py          the only way from there to the network; proxy.py is the program outside
index.py         which hosts it may reach
hints.py         what to do about a build that failed
installation.py  the steps that install what a lock file names
takeover.py      copies a virtualenv, checked, to where root keeps it
code_build.py    the commands of an app's `build`; code_takeover.py copies what they leave
image_*.py       the same for images: build, sandbox, inside, takeover, and what an image says
once.py          puts what was taken over in its place, whole
room.py          what all that copy look at: room on the disk, links that stay within
"""
