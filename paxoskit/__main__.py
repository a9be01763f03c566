"""`python3 -m paxoskit`: looks at the Python that runs it, then hands over to `bootstrap.py`.

Parses in any Python (see `__init__.py`).
"""

import sys

if sys.version_info < (3, 11):
    sys.stderr.write(
        "paxoskit: needs Python 3.11 or newer, and this is Python {}.{} ({}); "
        "start it with a newer one, for instance `python3.12 -m paxoskit`.\n".format(
            sys.version_info[0], sys.version_info[1], sys.executable
        )
    )
    sys.exit(2)

if __name__ == "__main__":
    from paxoskit.bootstrap import main
    from paxoskit.cli import run

    sys.exit(main(sys.argv[1:], run))
