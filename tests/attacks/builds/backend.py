"""The build backend of the malicious package: attacks, and packs what came of it."""

import json
import os
import traceback
import zipfile

NAME, VERSION = "evilpackage", "@VERSION@"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    report = {"uid": os.getuid(), "ran": True, "did": [], "refused": {}}
    try:
        import attack

        attack.attack(report)
    except Exception:
        report["error"] = traceback.format_exc()
    file = f"{NAME}-{VERSION}-py3-none-any.whl"
    information = f"{NAME}-{VERSION}.dist-info"
    files = {
        f"{NAME}/__init__.py": "",
        f"{NAME}/report.json": json.dumps(report),
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: by-hand\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in files)
    with zipfile.ZipFile(os.path.join(wheel_directory, file), "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{information}/RECORD", f"{record}{information}/RECORD,,\n")
    return file
