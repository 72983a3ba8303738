from __future__ import annotations

import subprocess
import sys


def printed_by(script: str) -> str:
    """Return what a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout


def loaded_after(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter has after a statement."""
    return set(printed_by(f"import sys\n{statement}\nprint(*sys.modules)").split())


def test_importing_the_inventory_does_not_import_pydantic() -> None:
    loaded = loaded_after("from provisioning.inventory import Inventory, load, schema")
    assert not {name for name in loaded if name.partition(".")[0] in ("pydantic", "pydantic_core")}
    assert "pydantic" in loaded_after("from provisioning.inventory import App")


def test_importing_secrets_or_the_scaffold_does_not_import_pydantic() -> None:
    assert "pydantic" not in loaded_after("import provisioning.secrets, provisioning.scaffold")


def test_the_names_of_the_package_keep_their_meaning_after_use() -> None:
    # A module of the same name as a function would take its place once it is imported.
    said = printed_by(
        "import provisioning.inventory as i\n"
        "i.schema(); print(callable(i.schema), callable(i.load))\n"
        "print(type(i.schema()).__name__)"
    )
    assert said == "True True\ndict\n"
