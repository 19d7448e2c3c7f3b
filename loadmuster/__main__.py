"""``python -m loadmuster``, and the console script: the command line."""

from loadmuster.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
