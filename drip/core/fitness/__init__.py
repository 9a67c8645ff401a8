"""Whether an installation is fit to write to people: facts in, findings out, room by room."""
