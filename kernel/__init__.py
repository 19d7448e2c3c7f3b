"""What every part of loadmuster shares: the error tree, the clock, extras and whole files.

Nothing here knows load tests, money or machines, and nothing here does I/O but what the program's
rim asks for: reading the time, writing a file.
"""
