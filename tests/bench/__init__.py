"""The benchmark: `make bench`. A made-up pack of any size, Fasti and its peers over it, and a load generator."""
