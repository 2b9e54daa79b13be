"""`python -m headgate`: the command line, where no script of that name is at hand."""

from headgate.cli.main import main

if __name__ == "__main__":
    main()
