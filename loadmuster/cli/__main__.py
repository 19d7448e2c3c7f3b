"""``python -m loadmuster.cli``: the command line without its console script."""

from loadmuster.cli.main import main

if __name__ == "__main__":
    main()
