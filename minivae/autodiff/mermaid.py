"""The graph as Mermaid text: a flowchart that JupyterLab and code hosts draw."""

from __future__ import annotations

from collections.abc import Mapping

from minivae.autodiff.graph import Node, ancestors


def mermaid(root: Node, labels: Mapping[Node, str], norms: Mapping[Node, float] | None = None) -> str:
    """A flowchart from the leaves (rounded) to `root`, each node with its op or name, its shape and dtype.

    With `norms`, each node also shows the Euclidean norm of the gradient that reaches it.
    """
    nodes = ancestors(root)
    number = {node: i for i, node in enumerate(nodes)}
    lines = ["flowchart TD"]
    for node in nodes:
        shape = "×".join(map(str, node.shape)) or "scalar"
        text = f"{labels.get(node, node.op)}<br/>{shape} {node.dtype}"
        if norms is not None:
            text += f"<br/>gradient norm {norms[node]:.3g}"
        left, right = ('(["', '"])') if node.op == "leaf" else ('["', '"]')
        lines.append(f"    n{number[node]}{left}{text}{right}")
    for node in nodes:
        lines += [f"    n{number[parent]} --> n{number[node]}" for parent, _ in node.edges or ()]
    return "\n".join(lines)
