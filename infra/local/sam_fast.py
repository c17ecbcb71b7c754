"""SAM's command line, told to read YAML in C: a program of its own, run by SAM's Python.

It reads the template several times for a deployment, a third of its work where PyYAML's own reader does it.
"""

import sys

if __name__ == "__main__":
    # this folder's modules are not SAM's
    sys.path.pop(0)
    import yaml

    yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # type: ignore[misc]
    from samcli.cli.main import cli  # type: ignore[import-not-found]

    cli(prog_name="sam")
