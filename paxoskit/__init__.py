# mypy: allow-untyped-defs
"""Paxos, a block chain and a key-value store, to be watched, broken and written in JupyterLab.

The names of this package are imported when they are first asked for, so that `python3 -m paxoskit` starts
where nothing is installed yet. This file and `__main__.py` parse in any Python, however old: no
annotations, no f-strings. That Python then gets a sentence from `__main__.py` and not a SyntaxError.
"""

import importlib

__version__ = "0.1.0"

PUBLIC = {
    "Ballot": "paxoskit.protocol.messages",
    "Client": "paxoskit.protocol.client",
    "Cluster": "paxoskit.worlds.cluster",
    "Lab": "paxoskit.lab.lab",
    "Node": "paxoskit.protocol.node",
    "Server": "paxoskit.protocol.server",
    "Simulator": "paxoskit.worlds.simulator",
    "Stage": "paxoskit.course.stage",
    "Trace": "paxoskit.trace",
    "World": "paxoskit.worlds.world",
    "breakit": "paxoskit.course.breakit",
    "check": "paxoskit.grading.check",
    "explain": "paxoskit.course.predict",
    "predict": "paxoskit.course.predict",
    "progress": "paxoskit.course.progress",
}


def __getattr__(name):
    """Import a public name from the module that PUBLIC names, once."""
    if name not in PUBLIC:
        raise AttributeError("paxoskit has no {!r}; it has {}".format(name, ", ".join(sorted(PUBLIC))))
    value = getattr(importlib.import_module(PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__():
    """List what is here and what would be imported if asked for."""
    return sorted(set(globals()) | set(PUBLIC))
