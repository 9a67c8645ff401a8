"""Pure rules: no I/O, no clock, no randomness; facts and `now` go in, values come out."""
