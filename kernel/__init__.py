"""What every part of loadmuster shares: the error tree and the clock.

Nothing here knows load tests, money or machines, and nothing here does I/O beyond reading the
time when the program's rim asks for it.
"""
