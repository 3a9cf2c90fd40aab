"""What every part keeps: arguments and input are checked in words, results are frozen, files are replaced whole."""
