"""What a fabfile of the person's own needs to have Homeport's commands."""

from __future__ import annotations

import ast

OURS = "provisioning.commands"


def lines_to_add(text: str) -> tuple[str, ...]:
    """Return the lines that add Homeport's commands to a fabfile; () if it has them.

    Fabric takes the collection `ns`, else `namespace`, if there is one, and then nothing else:
    tasks that stand beside it have to be added to it. Source: Invoke, "Constructing namespaces".

    Args:
        text: The fabfile.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return (f"from {OURS} import namespace",)
    if any(isinstance(node, ast.ImportFrom) and node.module == OURS for node in ast.walk(tree)):
        return ()
    assigned = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for name in ("ns", "namespace"):
        if name in assigned:
            return (
                f"from {OURS} import namespace as homeport",
                f'{name}.add_collection(homeport, "homeport")',
            )
    own = [f"namespace.add_task({name})" for name in _tasks(tree)]
    return (f"from {OURS} import namespace", *own)


def _tasks(tree: ast.Module) -> list[str]:
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any("task" in ast.unparse(each) for each in node.decorator_list)
    ]
