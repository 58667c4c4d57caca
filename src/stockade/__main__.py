"""`python -m stockade`: the command line."""

from stockade.tools.cli import main

if __name__ == "__main__":
    main()
