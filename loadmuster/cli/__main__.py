"""``python -P -m loadmuster.cli``: the command line without its console script.

Without ``-P``, Python imports what lies in the working folder before anything that is installed:
there a file ``json.py`` or a folder ``engine`` would stand in for ours. The console script
``loadmuster`` does not look there.
"""

from loadmuster.cli.main import main

if __name__ == "__main__":
    main()
